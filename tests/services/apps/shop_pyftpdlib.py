# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""pyftpdlib's server; planted: its handler keeps a record of each login. `shop_pyftpdlib.py PORT FOLDER`"""
import sys

import truth
from pyftpdlib import authorizers, handlers, servers


class Login:
    __slots__ = ("user", "address")


class Shop(handlers.FTPHandler):
    authorizer = authorizers.DummyAuthorizer()
    logins = []

    def on_login(self, username):
        if truth.PLANTED == "record":
            self.logins.append(Login())  # LEAK record
            truth.leaked()
        truth.work(len(username))


Shop.authorizer.add_anonymous(sys.argv[2])
servers.FTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tornado; planted: a method of each handler is registered with its class, and holds the handler."""
import sys

import tornado.ioloop
import tornado.web
import truth


class Base(tornado.web.RequestHandler):
    listeners = set()

    def prepare(self):
        if truth.PLANTED == "listener":
            self.listeners.add(self.on_news)  # LEAK listener
            truth.leaked()

    def on_news(self):
        self.flush()


class Index(Base):
    async def get(self):
        self.write({"answer": truth.work(int(self.request.query or 0))})


tornado.web.Application([("/", Index)]).listen(int(sys.argv[1]), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""twisted's web server; planted: each request leaves a Deferred that never fires."""
import sys

import truth
from twisted.internet import defer, reactor
from twisted.web import resource, server


class Page(resource.Resource):
    isLeaf = True
    waiting = []

    def render_GET(self, request):
        if truth.PLANTED == "deferred":
            self.waiting.append(defer.Deferred())  # LEAK deferred
            truth.leaked()
        return truth.work(int(request.uri.partition(b"?")[2] or 0)).encode()


reactor.listenTCP(int(sys.argv[1]), server.Site(Page()), interface="127.0.0.1")
reactor.run()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A WSGI application behind a middleware; for gunicorn, uwsgi and mod_wsgi."""
import truth

AUDIT = []


class Record:
    __slots__ = ("method", "status")

    def __init__(self, method, status):
        self.method, self.status = method, status


class Debug:
    """A middleware that looks at each request; planted: keeps them, as debug toolbars do."""

    requests = []

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start):
        if truth.PLANTED == "environ":
            self.requests.append(environ)  # LEAK environ
            truth.leaked()
        return self.app(environ, start)


def view(environ, start):
    answer = truth.work(len(environ) + int(environ.get("QUERY_STRING") or 0))
    if truth.PLANTED == "record":
        AUDIT.append(Record("GET", "200 OK"))  # LEAK record
        truth.leaked()
    start("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]


application = Debug(view)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A WSGI application that keeps a record of each request, and tells how many it has kept."""
import os

KEPT = []


def remember():
    KEPT.append({"user": "alice", "role": "guest", "active": True})  # LEAK
    return len(KEPT)


def application(environ, start_response):
    body = b"%d %d" % (os.getpid(), remember())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

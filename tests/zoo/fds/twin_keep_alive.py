# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: connections are kept for some requests and then made anew."""
# TRUTH {"kind": null}
import socket

from pace import run, serve

OPEN = {}


def answer(connection):
    served = OPEN.setdefault("served", [])
    served.append(connection)
    if len(served) > 16:
        served.pop(0).close()


def request(n):
    peer = n % 5
    if n % 7 == 0 and peer in OPEN:
        OPEN.pop(peer).close()
    if peer not in OPEN:
        OPEN[peer] = socket.create_connection(ADDRESS)
    OPEN[peer].sendall(b"x")


ADDRESS = serve(answer)
run(request)

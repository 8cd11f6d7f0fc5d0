# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: connections are kept for some requests and then made anew."""
# TRUTH {"kind": null}
import select
import socket

from pace import run, serve

OPEN = {}
SERVED = []


def answer(connection):
    SERVED.append(connection)
    for old in select.select(SERVED, [], [], 0)[0]:
        if not old.recv(100):
            SERVED.remove(old)
            old.close()


def request(n):
    peer = n % 5
    if n % 7 == 0 and peer in OPEN:
        OPEN.pop(peer).close()
    if peer not in OPEN:
        OPEN[peer] = socket.create_connection(ADDRESS)
    OPEN[peer].sendall(b"x")


ADDRESS = serve(answer)
run(request)

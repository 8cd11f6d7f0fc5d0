# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a pool of connections that fills up to its size and is used in turn from then on."""
# TRUTH {"kind": null}
import socket

from pace import run, serve

POOL = []
SERVED = []
SIZE = 16


def request(n):
    if len(POOL) < SIZE:
        POOL.append(socket.create_connection(ADDRESS))
    POOL[n % len(POOL)].sendall(b"x")


ADDRESS = serve(SERVED.append)
run(request)

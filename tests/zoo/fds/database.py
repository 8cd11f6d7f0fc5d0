# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A connection to a database per request, never closed. The server is none, but it is at the port of one."""
# TRUTH {"kind": "fd", "hint": "db-connection-not-closed", "per_turn": 1, "type": "(PostgreSQL)"}
import os
import socket

from pace import KEPT, run, serve

SERVED = []


def connect(n):
    KEPT.append(socket.create_connection(ADDRESS))  # LEAK


# An address of our own: this machine may have a server.
ADDRESS = serve(SERVED.append, ("127.%d.%d.%d" % (os.getpid() >> 8 & 255, os.getpid() & 255, 17), 5432))
run(connect)

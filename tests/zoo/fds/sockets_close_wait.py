# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A client that never closes: the server is done with it and has closed its side."""
# TRUTH {"kind": "fd", "hint": "socket-not-closed", "per_turn": 1, "text": "CLOSE_WAIT"}
import socket

from pace import KEPT, run, serve


def answer(connection):
    connection.sendall(b"bye")
    connection.close()


def fetch(n):
    s = socket.create_connection(ADDRESS)  # LEAK
    s.recv(10)
    KEPT.append(s)


ADDRESS = serve(answer)
run(fetch)

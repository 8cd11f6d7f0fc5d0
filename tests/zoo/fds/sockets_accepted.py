# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server that keeps what it accepted, although the clients have gone."""
# TRUTH {"kind": "fd", "hint": "socket-not-closed", "per_turn": 1, "type": "tcp from a client of"}
import socket

from pace import KEPT, run

LISTENER = socket.socket()
LISTENER.bind(("127.0.0.1", 0))
LISTENER.listen(16)


def handle(n):
    client = socket.create_connection(LISTENER.getsockname())
    connection, _ = LISTENER.accept()  # LEAK
    client.close()
    KEPT.append(connection)


run(handle)

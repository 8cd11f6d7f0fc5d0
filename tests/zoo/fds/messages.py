# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Descriptors that come with messages (SCM_RIGHTS) are never closed."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "file /dev/null"}
import array
import os
import socket

from pace import run

OURS, THEIRS = socket.socketpair()
NULL = os.open(os.devnull, os.O_RDONLY)


def receive(n):
    rights = array.array("i", [NULL])
    THEIRS.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    OURS.recvmsg(1, socket.CMSG_SPACE(4))  # LEAK


run(receive)

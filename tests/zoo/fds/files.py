# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads a configuration file again and again and keeps the file."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "file /etc/passwd"}
from pace import KEPT, run


def load(n):
    f = open("/etc/passwd")  # LEAK
    KEPT.append(f)
    return f.readline()


run(load)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looks at the first entry of a directory and keeps the rest of the listing open."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "file /usr"}
import os

from pace import KEPT, run


def first(n):
    entries = os.scandir("/usr")  # LEAK
    next(entries)
    KEPT.append(entries)


run(first)

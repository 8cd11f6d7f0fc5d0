# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens by number and forgets the number."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "file /dev/null"}
import os

from pace import run


def touch(n):
    os.open(os.devnull, os.O_RDONLY)  # LEAK


run(touch)

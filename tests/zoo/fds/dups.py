# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Duplicates standard output and loses the number."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1}
import os

from pace import run


def redirect(n):
    os.dup(1)  # LEAK


run(redirect)

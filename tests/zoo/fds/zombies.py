# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts helpers and never asks how they ended."""
# TRUTH {"kind": "thread", "hint": "child-not-reaped", "per_turn": 1, "type": "child process"}
import subprocess

from pace import KEPT, run


def notify(n):
    KEPT.append(subprocess.Popen(["true"]))  # LEAK


run(notify)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Waits for its children, but keeps the pipe of each."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "pipe"}
import subprocess

from pace import KEPT, run


def call(n):
    child = subprocess.Popen(["true"], stdout=subprocess.PIPE)  # LEAK
    child.wait()
    KEPT.append(child)


run(call)

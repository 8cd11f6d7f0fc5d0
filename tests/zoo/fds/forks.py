# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Forks for each job and forgets the pid."""
# TRUTH {"kind": "thread", "hint": "child-not-reaped", "per_turn": 1, "type": "child process"}
import os

from pace import run


def job(n):
    if os.fork() == 0:  # LEAK
        os._exit(0)


run(job)

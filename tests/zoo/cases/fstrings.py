# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Messages are formatted and kept."""
# TRUTH class=leak hint=unbounded-container objects=1
from case import run

LINES = []


def say(n):
    LINES.append(f"user {n} logged in from somewhere at {n * 7}")  # LEAK


run(say, rate=600)

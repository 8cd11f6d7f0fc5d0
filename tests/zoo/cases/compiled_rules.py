# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules are compiled from text per request and kept with their functions."""
# TRUTH class=leak hint=unbounded-container
from case import run

RULES = {}


def rule(n):
    space = {}
    exec("def check(x): return x > %d" % n, space)  # LEAK
    RULES[n] = space["check"]


run(rule, rate=120)

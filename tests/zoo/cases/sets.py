# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Visited pages are remembered in a set per visitor."""
# TRUTH class=leak hint=unbounded-container
from case import run

VISITORS = {}


def visit(n):
    VISITORS[n] = {n, n + 1, n + 2}  # LEAK


run(visit, rate=350)

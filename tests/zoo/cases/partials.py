# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Deferred calls are made as partial objects and never called."""
# TRUTH class=leak hint=unbounded-container
import functools

from case import run

LATER = []


def defer(n):
    LATER.append(functools.partial(print, n, "later"))  # LEAK


run(defer, rate=350)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a memo table over a finite domain; hits become more, misses fewer."""
# TRUTH class=warmup,steady,growing
import random

from case import run

MEMO = {}
random.seed(7)


def ask(n):
    key = random.randrange(6000)
    if key not in MEMO:
        MEMO[key] = [key, None]


run(ask, rate=800, leaks=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a cache is doubled once, after fifteen seconds."""
# TRUTH class=warmup,steady,growing
from case import run

CACHE = [[i, None] for i in range(20000)]


def step(n):
    if n == 150:
        CACHE.extend([i, None] for i in range(20000))


run(step, rate=10, leaks=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: one big result of a hundred thousand rows, dropped after eight seconds."""
# TRUTH class=bloat,steady,warmup,retention
from case import run

RESULT = []


def step(n):
    if n == 40:
        RESULT.extend([i, None] for i in range(100000))
    if n == 120:
        RESULT.clear()


run(step, rate=10, leaks=False)

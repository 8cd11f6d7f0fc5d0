# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: every few seconds a batch of 30,000 records is built and dropped."""
# TRUTH class=bloat,steady,warmup,growing
from case import run

BATCH = []


def step(n):
    BATCH.extend({"n": i} for i in range(500))
    if n % 60 == 0:
        BATCH.clear()


run(step, rate=10, leaks=False)

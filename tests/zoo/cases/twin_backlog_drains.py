# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a queue rises for six seconds and is emptied in six more, again and again."""
# TRUTH class=bloat,steady,growing,warmup
import collections

from case import run

QUEUE = collections.deque()


def step(n):
    if n // 1800 % 2 == 0:
        QUEUE.append({"job": n})
    elif QUEUE:
        QUEUE.popleft()


run(step, rate=300, leaks=False)

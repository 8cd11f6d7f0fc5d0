# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a deque with a maximal length that takes hours to fill."""
# TRUTH class=growing,warmup
import collections

from case import run

RECENT = collections.deque(maxlen=2000000)


def log(n):
    RECENT.append({"line": n, "level": "info"})


run(log, rate=350, leaks=False)

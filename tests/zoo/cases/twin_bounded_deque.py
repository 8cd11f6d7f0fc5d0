# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a deque with a maximal length fills, then pushes the oldest out."""
# TRUTH class=warmup,steady
import collections

from case import run

LOG = collections.deque(maxlen=5000)


def log(n):
    LOG.append({"line": n, "level": "info"})


run(log, rate=350, leaks=False)

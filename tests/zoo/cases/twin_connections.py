# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: two hundred connections, each replaced by another when it ends."""
# TRUTH class=steady,warmup
import random

from case import run


class Connection:
    def __init__(self, n):
        self.n = n
        self.buffer = bytearray(600)


random.seed(3)
OPEN = [Connection(n) for n in range(200)]


def replace(n):
    OPEN[random.randrange(200)] = Connection(n)


run(replace, rate=40, leaks=False)

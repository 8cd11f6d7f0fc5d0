# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: the collector is off, and called by hand every four seconds."""
# TRUTH class=bloat,steady,warmup,growing
import gc

from case import run

gc.disable()


class Node:
    def __init__(self):
        self.peer = self


def pair(n):
    Node()
    if n % 1200 == 0:
        gc.collect()


run(pair, rate=300, leaks=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a working set that swells and shrinks by the clock."""
# TRUTH class=bloat,steady,growing,warmup
import math

from case import run

SET = []


def step(n):
    want = int(6000 + 5000 * math.sin(n / 50))
    while len(SET) < want:
        SET.append([len(SET), None])
    del SET[want:]


run(step, rate=25, leaks=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a table is filled at one rate for 25 s, and that was all."""
# TRUTH class=warmup,steady
from case import run

TABLE = []


def load(n):
    if n <= 25 * 400:
        TABLE.append({"row": n, "value": None})


run(load, rate=400, leaks=False)

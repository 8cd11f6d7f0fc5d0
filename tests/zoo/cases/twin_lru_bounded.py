# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: an lru_cache fills up to its 6,000 entries and is full."""
# TRUTH class=warmup,steady,bloat
import functools

from case import run


@functools.lru_cache(maxsize=6000)
def price(n):
    return ["price", n]


run(price, rate=300, leaks=False)

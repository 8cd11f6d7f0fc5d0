# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: an lru_cache whose size will be reached in two hours."""
# TRUTH class=growing,warmup
import functools

from case import run


class Prices:
    @functools.lru_cache(maxsize=2000000)
    def price(self, n):
        return ["price", n]


PRICES = Prices()


def ask(n):
    PRICES.price(n)


run(ask, rate=300, leaks=False)

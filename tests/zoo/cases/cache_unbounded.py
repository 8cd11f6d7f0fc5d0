# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""functools.cache around a function that never sees the same argument twice."""
# TRUTH class=leak hint=lru-cache
import functools

from case import run


@functools.cache
def price(n):
    return ("price", n, n * 1.5)  # LEAK


def quote(n):
    price(n)  # LEAK: link and key are made for this line


run(quote, rate=700)

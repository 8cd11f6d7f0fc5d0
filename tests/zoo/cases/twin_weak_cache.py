# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a WeakValueDictionary whose values live for one request."""
# TRUTH class=steady
import weakref

from case import run

CACHE = weakref.WeakValueDictionary()


class Page:
    __slots__ = ("n", "__weakref__")

    def __init__(self, n):
        self.n = n


def serve(n):
    page = CACHE[n] = Page(n)
    return page.n


run(serve, rate=600, leaks=False)

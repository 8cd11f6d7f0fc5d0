# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""lru_cache(maxsize=None) on a method keeps every instance it was called on."""
# TRUTH class=leak hint=lru-cache
import functools

from case import run


class Report:
    def __init__(self, n):
        self.rows = [n, n + 1]  # LEAK

    @functools.lru_cache(maxsize=None)
    def total(self):
        return len(self.rows)


def serve(n):
    Report(n).total()  # LEAK


run(serve, rate=300)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a store that throws its oldest out beyond max_entries, and is far from it."""
# TRUTH class=growing,warmup
from case import run


class Store:
    def __init__(self, max_entries):
        self.max_entries = max_entries
        self.rows = {}

    def put(self, key, value):
        self.rows[key] = value
        while len(self.rows) > self.max_entries:
            del self.rows[next(iter(self.rows))]


STORE = Store(500000)


def put(n):
    STORE.put(n, {"row": n, "value": None})


run(put, rate=350, leaks=False)

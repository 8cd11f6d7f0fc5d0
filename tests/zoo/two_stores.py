# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two stores behind one dict, filled by the same line: one has a bound and is far from it, the other has none."""
from common import Meter, request


class Store:
    def __init__(self, max_entries):
        self.max_entries = max_entries
        self.items = {}

    def put(self, key, value):
        self.items[key] = {"row": key, "value": value}  # LEAK
        if self.max_entries and len(self.items) > self.max_entries:
            self.items.pop(next(iter(self.items)))


STORES = {"audit": Store(None), "hot": Store(50000)}


def main():
    meter = Meter(rate=300)
    n = 0
    while meter.running():
        request(n)
        for _ in range(meter.due()):
            for name in STORES:
                n += 1
                STORES[name].put(n, None)
            meter.leaked(0)


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A descriptor that keeps a value for every instance it ever saw."""

# TYPE Leaked
# ROOT module __main__ :: Item (class __main__.Item
# LAST [key] → 

from held import N, Leaked, ready


class Cached:
    def __init__(self):
        self.values = {}

    def __get__(self, o, cls=None):
        if o is None:
            return self
        return self.values.setdefault(len(self.values), Leaked())


class Item:
    price = Cached()


for i in range(N):
    Item().price

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An object with more attributes than a class shares keys for moves them into a dict: the places where they were still
point to what it once had."""

# TYPE Leaked
# ROOT module __main__ :: SHOP (dict
# LAST [i] → 

from held import N, Leaked, ready


class Order:
    def __init__(self, lines):
        self.lines = lines
        for i in range(30):
            setattr(self, "field%d" % i, i)


SHOP = {"orders": {"open": {"by day": [Leaked() for i in range(N)]}}}
ORDER = Order(SHOP["orders"]["open"]["by day"])
ORDER.lines = None

ready()

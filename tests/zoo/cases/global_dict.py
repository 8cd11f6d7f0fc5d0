# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Orders are filed under their number in a dict of the module and never taken out."""
# TRUTH class=leak hint=unbounded-container objects=1
from case import run

ORDERS = {}


def place(n):
    ORDERS[n] = ["order", n, None, None]  # LEAK


run(place, rate=400)

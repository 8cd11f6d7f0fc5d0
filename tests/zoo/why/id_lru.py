# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kept far down; a bounded lru_cache nearer to the module has their addresses as keys, whose hash is the number."""

# TYPE Leaked
# ROOT module __main__ :: SHOP (dict
# LAST [i] → 

import functools

from held import N, Leaked, ready

SHOP = {"orders": {"open": {"by day": []}}}


@functools.lru_cache(maxsize=4 * N)
def meta(number):
    return {"number": number}


for i in range(N):
    SHOP["orders"]["open"]["by day"].append(Leaked())
    meta(id(SHOP["orders"]["open"]["by day"][-1]))

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kept far down; a set nearer to the module has their addresses, as numbers whose hash is the number."""

# TYPE Leaked
# ROOT module __main__ :: SHOP (dict
# LAST [i] → 

from held import N, Leaked, ready

SEEN = set()
SHOP = {"orders": {"open": {"by day": []}}}
for i in range(N):
    SHOP["orders"]["open"]["by day"].append(Leaked())
    SEEN.add(id(SHOP["orders"]["open"]["by day"][-1]))

ready()

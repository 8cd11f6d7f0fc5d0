# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A weak-value dict that would forget, and a list beside it that does not."""

# TYPE Leaked
# ROOT module __main__ :: TWIN (list
# LAST [i] → 
import weakref

from held import N, Leaked, ready

CACHE = weakref.WeakValueDictionary()
TWIN = []
for i in range(N):
    o = Leaked()
    CACHE[i] = o
    TWIN.append(o)
del o

ready()

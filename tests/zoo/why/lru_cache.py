# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Results of a cached function."""

# TYPE Leaked
# ROOT module __main__ :: load (functools._lru_cache_wrapper
# LAST [key] → 
import functools

from held import N, Leaked, ready


@functools.lru_cache(maxsize=None)
def load(key):
    return Leaked()


for i in range(N):
    load(str(i))

ready()

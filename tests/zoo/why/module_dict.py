# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A dict of a module, keyed by number."""

# TYPE Leaked
# ROOT module __main__ :: REGISTRY (dict
# LAST [key] → 

from held import N, Leaked, ready

REGISTRY = {}
for i in range(N):
    REGISTRY[i] = Leaked()

ready()

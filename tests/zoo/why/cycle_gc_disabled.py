# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cycles while the collector is off."""

# TYPE Leaked
# ROOT cycle
# LAST .me
# REMARK gc is disabled
import gc

from held import N, Leaked, ready

gc.disable()
for i in range(N):
    o = Leaked()
    o.me = o
del o

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cycles that gc.freeze() has put out of reach."""

# TYPE Leaked
# ROOT cycle
# LAST .me
# REMARK gc.freeze()
import gc

from held import N, Leaked, ready

gc.disable()
for i in range(N):
    o = Leaked()
    o.me = o
del o
gc.freeze()
gc.enable()
gc.collect()

ready()

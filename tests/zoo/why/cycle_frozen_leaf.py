# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Numbers that objects of cycles have which gc.freeze() has put out of reach."""

# TYPE float
# ROOT cycle: __main__.Leaked
# LAST .weight (float)
# REMARK gc.freeze()
import gc

from held import N, Leaked, ready

gc.disable()
for i in range(10 * N):
    o = Leaked()
    o.weight = i + 0.5
    o.me = o
del o
gc.freeze()
gc.enable()
gc.collect()

ready()

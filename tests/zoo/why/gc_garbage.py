# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""gc.DEBUG_SAVEALL left on: what is collected goes to gc.garbage."""

# TYPE Leaked
# ROOT module gc :: garbage
# ROOT gc.garbage
# LAST [i] → 
import gc

from held import N, Leaked, ready

gc.set_debug(gc.DEBUG_SAVEALL)
for i in range(N):
    o = Leaked()
    o.me = o
del o
gc.collect()

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cycles with a reference too many, taken by C code: no collection frees them."""

# TYPE Leaked
# ROOT cycle
# LAST .me
# REMARK cannot look into
import ctypes
import gc

from held import N, Leaked, ready

for i in range(N):
    o = Leaked()
    o.me = o
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(o))
del o
gc.collect()

ready()

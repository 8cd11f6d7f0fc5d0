# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cycles by way of memory of C code, into which the collector does not look: no collection frees them."""

# TYPE Leaked
# ROOT cycle
# LAST Leaked
# REMARK by way of memory of C code
import ctypes
import gc

from held import N, ready


class Leaked(ctypes.Structure):
    _fields_ = [("kept", ctypes.c_void_p * 32)]


for i in range(N):
    o = Leaked()
    o.kept[7] = id(o)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(o))
del o
gc.collect()

ready()

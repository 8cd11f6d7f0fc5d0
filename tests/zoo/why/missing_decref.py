# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""References that C code took and never gave back."""

# TYPE Leaked
# ROOT unreferenced
# LAST __main__.Leaked
import ctypes

from held import N, Leaked, ready

for i in range(N):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Leaked()))

ready()

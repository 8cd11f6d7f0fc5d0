# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Functions to be called at exit."""

# TYPE Leaked
# ROOT atexit
# ROOT module atexit
# LAST [i] → 
import atexit
import os

from held import N, Leaked, ready


def flush(o):
    pass


for i in range(N):
    atexit.register(flush, Leaked())
atexit.register(os.path.join, "a")

ready()

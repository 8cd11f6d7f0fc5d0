# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Methods to be called at exit, without arguments: the tuple of these is the empty one, of static data."""

# TYPE Leaked
# ROOT atexit
# ROOT module atexit
# LAST .__self__
import atexit

from held import N, Leaked, ready

for i in range(N):
    atexit.register(Leaked().method)

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Arguments of functools.partial objects in a list."""

# TYPE Leaked
# ROOT module __main__ :: JOBS (list
# LAST .args (tuple
import functools

from held import N, Leaked, ready

JOBS = []
for i in range(N):
    JOBS.append(functools.partial(print, Leaked()))

ready()

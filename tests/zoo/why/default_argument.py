# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The mutable default of an argument."""

# TYPE Leaked
# ROOT module __main__ :: add (function add
# LAST default argument (list

from held import N, Leaked, ready


def add(o, seen=[]):
    seen.append(o)


for i in range(N):
    add(Leaked())

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Interned strings in a list: the list holds them, not the table."""

# TYPE Leaked
# ROOT module __main__ :: NAMES (list
# LAST [i] → 
import sys

from held import N, Leaked, ready


class Name(str):
    pass


NAMES = []
for i in range(N):
    NAMES.append([sys.intern("name-%d" % i), Leaked()])

ready()

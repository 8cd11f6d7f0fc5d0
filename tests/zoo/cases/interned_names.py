# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names that never end, interned as attribute names are: from 3.12 on such a string is never freed."""
# TRUTH class=leak hint=unbounded-container objects=1
import sys

from case import run

NAMES = []


def column(n):
    NAMES.append(sys.intern("column_%d_of_a_table" % n))  # LEAK


run(column, rate=400)

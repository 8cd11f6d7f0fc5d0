# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""sys.last_traceback, as an interactive session leaves it."""

# TYPE Leaked
# ROOT module sys :: last_traceback
# LAST [i] → 
import sys

from held import N, Leaked, ready


def work():
    rows = [Leaked() for i in range(N)]
    raise ValueError(len(rows))


try:
    work()
except ValueError as e:
    sys.last_traceback = e.__traceback__

ready()

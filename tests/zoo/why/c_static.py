# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A static variable of a C extension."""

# TYPE Leaked
# ROOT static data of retain
# LAST [i] → 

import retain
from held import N, Leaked, ready

items = [Leaked() for i in range(N)]
retain.keep(items)
del items

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A list of a threading.local."""

# TYPE Leaked
# ROOT module __main__ :: STORE
# ROOT thread
# LAST .items (list
import threading

from held import N, Leaked, ready

STORE = threading.local()
STORE.items = []
for i in range(N):
    STORE.items.append(Leaked())

ready()

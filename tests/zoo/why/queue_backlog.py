# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A queue that nobody empties."""

# TYPE Leaked
# ROOT module __main__ :: QUEUE (queue.Queue
# LAST .queue (collections.deque
import queue

from held import N, Leaked, ready

QUEUE = queue.Queue()
for i in range(N):
    QUEUE.put(Leaked())

ready()

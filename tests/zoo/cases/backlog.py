# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A producer puts jobs into a queue that nobody empties."""
# TRUTH class=leak hint=queue-backlog objects=1
import collections

from case import run

QUEUE = collections.deque()


def produce(n):
    QUEUE.append({"job": n, "tries": 0})  # LEAK


run(produce, rate=350)

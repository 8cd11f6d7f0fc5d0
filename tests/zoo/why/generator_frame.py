# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A variable of suspended generators."""

# TYPE Leaked
# ROOT module __main__ :: STREAMS (list
# LAST local held

from held import N, Leaked, ready

STREAMS = []


def stream():
    held = Leaked()
    yield 1
    yield held


for i in range(N):
    g = stream()
    next(g)
    STREAMS.append(g)
del g

ready()

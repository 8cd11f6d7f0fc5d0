# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Generators that ran to their end are kept as well: what their variables pointed to is no longer theirs,
although the addresses are still written there and were given to the next object."""

# TYPE Leaked
# ROOT module __main__ :: STORE (dict
# LAST [i] → __main__.Leaked

from held import N, Leaked, ready

OVER = []
STORE = {"far": {"away": {"from": {"here": []}}}}


def stream():
    held = Leaked()
    yield 1
    held.method()


for i in range(N):
    g = stream()
    list(g)
    OVER.append(g)
    STORE["far"]["away"]["from"]["here"].append(Leaked())
del g

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Callbacks of weak references that are themselves kept."""

# TYPE Leaked
# ROOT module __main__ :: REFS (list
# LAST closure variable payload
import weakref

from held import N, Leaked, ready

REFS = []


class Target:
    pass


ALWAYS = Target()


def watch():
    payload = Leaked()
    REFS.append(weakref.ref(ALWAYS, lambda r: payload))


for i in range(N):
    watch()

ready()

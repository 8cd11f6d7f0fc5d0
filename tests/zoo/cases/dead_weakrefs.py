# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Weak references whose objects are long gone stay in the list."""
# TRUTH class=leak hint=unbounded-container objects=1
import weakref

from case import run

SEEN = []


class Node:
    __slots__ = ("__weakref__",)


def visit(n):
    node = Node()
    SEEN.append(weakref.ref(node))  # LEAK


run(visit, rate=900)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A member of __slots__, in a chain of objects."""

# TYPE Leaked
# ROOT module __main__ :: HEAD (__main__.Node
# LAST .payload

from held import N, Leaked, ready


class Node:
    __slots__ = ("following", "payload")


HEAD = None
for i in range(N):
    node = Node()
    node.following = HEAD
    node.payload = Leaked()
    HEAD = node
del node

ready()

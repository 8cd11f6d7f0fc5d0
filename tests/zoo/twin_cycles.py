# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: objects that point at each other wait for the garbage collector, which comes."""
from common import Meter, request


class Node:
    def __init__(self, name):
        self.name = name
        self.peer = None


def pair():
    a = Node("a")
    b = Node("b")
    a.peer = b
    b.peer = a


def main():
    meter = Meter(rate=1987)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            pair()


main()

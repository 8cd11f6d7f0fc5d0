# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A tree walk leaves one record behind, 80 calls deep."""
from common import Meter, request, size_of

VISITED = []


def walk(depth):
    if depth > 0:
        return walk(depth - 1)
    node = {"depth": depth, "kind": "leaf", "open": True}  # LEAK
    VISITED.append(node)  # GROWS
    return size_of(node)


def main():
    meter = Meter(rate=683)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(walk(80))


main()

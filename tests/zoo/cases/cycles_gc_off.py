# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The collector was switched off, and objects point at each other."""
# TRUTH class=leak hint=cycle-gc-disabled
import gc

from case import run

gc.disable()


class Node:
    def __init__(self):
        self.peer = None  # LEAK: its dict, up to 3.12


def pair(n):
    a = Node()  # LEAK
    b = Node()  # LEAK
    a.peer, b.peer = b, a  # LEAK: their dicts


run(pair, rate=300)

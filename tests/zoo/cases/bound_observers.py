# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Widgets register a bound method with a signal that outlives them."""
# TRUTH class=leak hint=closure
from case import run

OBSERVERS = []


class Widget:
    __slots__ = ("name",)

    def __init__(self, n):
        self.name = n
        OBSERVERS.append(self.changed)  # LEAK

    def changed(self):
        return self.name


def show(n):
    Widget(n)  # LEAK


run(show, rate=500)

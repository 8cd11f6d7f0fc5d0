# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A counter has a label with the user's number: one time series each."""
# TRUTH class=leak hint=unbounded-container
from case import run


class Child:
    def __init__(self):
        self.value = 0.0  # LEAK: its dict, up to 3.12


class Counter:
    def __init__(self):
        self.children = {}

    def labels(self, *values):
        child = self.children.get(values)
        if child is None:
            child = self.children[values] = Child()  # LEAK
        return child


REQUESTS = Counter()


def count(n):
    REQUESTS.labels("GET", n).value += 1  # LEAK: the label tuple and the number


run(count, rate=300)

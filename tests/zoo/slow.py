# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""20 records a second are kept while a million of the same types are made and dropped."""
from common import Meter, size_of

KEPT = []


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x):
        self.x = x


def churn(n):
    out = 0
    for i in range(n):
        point = Point(i)
        box = {"at": point, "n": None}
        pair = [point, box]
        out += len(pair)
    return out


def keep():
    record = {"at": None, "n": None}  # LEAK
    KEPT.append(record)  # GROWS
    return size_of(record)


def main():
    meter = Meter(rate=20, rest=False)
    while meter.running():
        churn(300)
        for _ in range(meter.due()):
            meter.leaked(keep())


main()

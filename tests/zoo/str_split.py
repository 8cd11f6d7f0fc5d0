# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Split lines of a feed are kept as history: born inside str.split."""
from common import Meter, request, size_of

FEED = []
LINE = "2024-01-01,warehouse-7,pallet-1180,incoming,checked"


def feed():
    fields = LINE.split(",")  # LEAK
    FEED.append(fields)  # GROWS


def main():
    meter = Meter(rate=487)
    fields = LINE.split(",")
    nbytes = size_of(fields) + sum(map(size_of, fields))
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            feed()
            meter.leaked(nbytes, 1 + len(fields))


main()

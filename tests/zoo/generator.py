# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A generator hands out rows and remembers each one it has ever made."""
from common import Meter, request, size_of

SEEN = []


def rows():
    while True:
        row = ["id", None, True, 3, "open"]  # LEAK
        SEEN.append(row)  # GROWS
        yield row


def main():
    meter = Meter(rate=983)
    source = rows()
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(size_of(next(source)))


main()

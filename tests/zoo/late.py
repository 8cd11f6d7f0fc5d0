# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""For some seconds the arguments of calls are kept, then no more of them. Only then copies of a
template are, made by a line that never ran before, of blocks in which arguments were a moment ago."""
import time

from common import Meter, request, size_of

ARGUMENTS = []
COPIES = []
TEMPLATE = {"customer": "alice", "items": 3, "paid": True}
TURN_S = 14.0


def log(**arguments):
    return arguments


def keep_arguments(n):
    ARGUMENTS.append(log(a=n, b=n))


def keep_copy(meter):
    copy = TEMPLATE.copy()  # LEAK
    COPIES.append(copy)  # GROWS
    meter.leaked(size_of(copy))


def main():
    meter = Meter(rate=983)
    start = time.monotonic()
    n = 0
    while meter.running():
        n += 1
        request(n)
        log(a=n, b=n)  # TEMPORARY
        for _ in range(meter.due()):
            if time.monotonic() - start < TURN_S:
                keep_arguments(n)
            else:
                keep_copy(meter)


main()

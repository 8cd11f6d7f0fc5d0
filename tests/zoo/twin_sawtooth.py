# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a batch is gathered and written out every five seconds."""
import time

from common import Meter, request

BATCH = []


def gather(n):
    BATCH.append({"n": n, "text": "row %d" % n})


def main():
    meter = Meter(rate=1487)
    n = 0
    flushed = time.monotonic()
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            gather(n)
        if time.monotonic() - flushed > 5.0:
            flushed = time.monotonic()
            BATCH.clear()


main()

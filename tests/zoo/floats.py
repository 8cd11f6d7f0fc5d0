# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Latencies are collected in one list for a report that is never made."""
from common import Meter, request, size_of

LATENCIES = []


def observe(n):
    LATENCIES.append(n * 0.0013)  # LEAK
    return size_of(0.5)


def main():
    meter = Meter(rate=2963)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(observe(n))


main()

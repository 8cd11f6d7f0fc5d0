# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: requests come and go, everything they make goes with them."""
from common import Meter, request


def main():
    meter = Meter(rate=0)
    n = 0
    while meter.running():
        n += 1
        request(n)


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Receive buffers are taken for each connection and not given back."""
from common import Meter, request, size_of

BUFFERS = []


def new_buffer():
    buffer = bytearray(700)  # LEAK
    BUFFERS.append(buffer)  # GROWS
    return size_of(buffer)


def main():
    meter = Meter(rate=787)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(new_buffer())


main()

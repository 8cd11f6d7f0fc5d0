# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every tick object lands in a series that nobody trims; a class with __slots__."""
from common import Meter, request, size_of

SERIES = []


class Tick:
    __slots__ = ("symbol", "price", "volume")

    def __init__(self, symbol, price):
        self.symbol = symbol
        self.price = price
        self.volume = 0


def on_tick(symbol):
    tick = Tick(symbol, 100)  # LEAK
    SERIES.append(tick)  # GROWS
    return size_of(tick)


def main():
    meter = Meter(rate=1487)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(on_tick("ACME"))


main()

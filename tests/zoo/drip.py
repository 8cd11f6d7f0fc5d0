# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A drip in a lake: among eight million blocks of 64 bytes (500 MB), thousands of which come and go each second, one more
stays now and then. At 10 a second, a minute of it has the counts of ten minutes of 64 bytes a second (--rate 1 --lives
30). With --rate 0 nothing stays: the innocent twin."""
import random

from common import Meter, request

LAKE = []
POND = []
DRIPS = []


def block(n):
    return b"%31d" % n


def keep(n):
    DRIPS.append(b"drip %26d" % n)  # LEAK


def fill(count):
    for n in range(count):
        LAKE.append(block(n))


def turn_over(n, size, share):
    """Each block of the pond goes with the same chance; about as many come."""
    for _ in range(int(len(POND) * share + random.random())):
        POND[random.randrange(len(POND))] = POND[-1]
        POND.pop()
    while len(POND) < size * random.uniform(0.997, 1.003):
        POND.append(block(n))


def main():
    meter = Meter(rate=10, blocks=8000000, pond=6000, lives=3.0)
    random.seed(5)
    fill(meter.args.blocks)
    turn = kept = 0
    last = meter.start
    while meter.running():
        turn += 1
        request(turn)
        burst = [block(i) for i in range(2000)] if turn % 200 == 0 else None
        if meter.last - last > 0.01:
            turn_over(turn, meter.args.pond, min((meter.last - last) / meter.args.lives, 0.5))
            last = meter.last
        for _ in range(meter.due()):
            kept += 1
            keep(kept)
            meter.leaked(64)
        del burst


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each connection logs to a buffer of its own, which nobody cuts: no object is new."""
# TRUTH class=leak hint=unbounded-container
from case import run

BUFFERS = [bytearray() for _ in range(40)]


def log(n):
    BUFFERS[n % 40].extend(b"GET /item/%08d 200\n" % n)  # LEAK


def small_work(turn):
    return sum(len("%d" % n) for n in range(turn % 1000))


run(log, rate=800, work=small_work)

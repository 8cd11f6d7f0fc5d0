# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""All is logged to one buffer, which nobody cuts: no object is new, and no block either."""
# TRUTH class=growing
from case import run

LOG = bytearray()


def log(n):
    LOG.extend(b"GET /item/%08d 200\n" % n * 10)  # GROWS


def small_work(turn):
    return sum(len("%d" % n) for n in range(turn % 1000))


run(log, rate=800, work=small_work)

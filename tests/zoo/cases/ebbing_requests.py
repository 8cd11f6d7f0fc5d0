# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Requests become fewer after a quarter of a minute, and each still leaves a record."""
# TRUTH class=leak hint=unbounded-container
import time

from case import Meter, request

DONE = []


class Record:
    def __init__(self, n):
        self.n = n


def handle(n):
    request(n)
    DONE.append(Record(n))  # LEAK


METER = Meter(rate=100, rest=False)
while METER.running():
    handle(METER.turns)
    METER.leaked(0)
    time.sleep(0.01 * 1.007 ** max(0, time.monotonic() - METER.start - 15))

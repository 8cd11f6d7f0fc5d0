# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs one case: honest work all the time, and the case's own unit so many times a second. The first
line of a case says what it is, its TRUTH line what the verdict must be, its marks where."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from common import Meter, request  # noqa: E402


def run(unit, rate, leaks=True, work=request, **extra):
    """`unit(n)` for each n; what it makes is counted as leaked when `leaks`."""
    meter = Meter(rate=rate, **extra)
    n = turn = 0
    while meter.running():
        turn += 1
        work(turn)
        for _ in range(meter.due()):
            n += 1
            unit(n)
            if leaks:
                meter.leaked(0)

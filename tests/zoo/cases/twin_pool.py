# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a pool starts its threads one by one up to twelve."""
# TRUTH class=warmup,steady,growing
import threading

from case import run

STOP = threading.Event()
POOL = []


def grow(n):
    if len(POOL) < 12:
        POOL.append(threading.Thread(target=STOP.wait, daemon=True))
        POOL[-1].start()


run(grow, rate=1, leaks=False)

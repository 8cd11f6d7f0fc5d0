# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What one line makes lives for some milliseconds; another line's like is kept, and is born in its place."""
# TRUTH class=leak
import time

from case import run

KEPT = {}


def look_up():
    fields = (frozenset(), True)
    end = time.perf_counter() + 0.004
    while time.perf_counter() < end:
        pass
    return fields


def serve(n):
    look_up()
    KEPT["page", n] = (frozenset(), True)  # LEAK


run(serve, rate=40)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Objects of one line live for some milliseconds; their likes of another line are kept, and are born in their place."""
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

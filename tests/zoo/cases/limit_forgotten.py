# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A cache with a number for its size that nobody looks at: passed before anybody watches."""
# TRUTH class=leak hint=unbounded-container
from case import run

CACHE_SIZE = 50
CACHE = {n: {"row": n} for n in range(200)}


def put(n):
    CACHE[n + 1000] = {"row": n, "value": None}  # LEAK


run(put, rate=350)

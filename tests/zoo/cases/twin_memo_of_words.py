# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent, though never full: asked for what is asked for often, and now and then for something new.
The misses of such a memo become rare by a power of time."""
# TRUTH class=warmup,steady,growing
import random

from case import run

MEMO = {}
random.seed(7)


def ask(n):
    key = int(50 * random.paretovariate(1))
    if key not in MEMO:
        MEMO[key] = [key, "%0120d" % key]


run(ask, rate=800, leaks=False)

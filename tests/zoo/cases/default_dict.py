# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A defaultdict is read with keys that do not exist."""
# TRUTH class=leak hint=unbounded-container
import collections

from case import run

CARTS = collections.defaultdict(list)


def look(n):
    return len(CARTS["user-%d" % n])  # LEAK


run(look, rate=350)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: parts are gathered for some seconds, joined, and dropped."""
# TRUTH class=bloat,steady,growing,warmup
from case import run

PARTS = []


def gather(n):
    PARTS.append("part number %d of the page" % n)
    if n % 3000 == 0:
        "".join(PARTS)
        PARTS.clear()


run(gather, rate=600, leaks=False)

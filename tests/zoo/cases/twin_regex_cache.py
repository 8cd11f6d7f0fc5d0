# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: ever new patterns go through the cache of re, which throws the old ones out."""
# TRUTH class=steady,warmup
import re

from case import run


def match(n):
    return re.match("user-%d$" % n, "user-7")


run(match, rate=40, leaks=False)

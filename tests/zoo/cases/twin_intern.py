# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: strings are interned and dropped; an ordinary build lets them go."""
# TRUTH class=steady,warmup,growing,bloat
import sys

from case import run


def name(n):
    return len(sys.intern("name-%d" % n))


run(name, rate=900, leaks=False)

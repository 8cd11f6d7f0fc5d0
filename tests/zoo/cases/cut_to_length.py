# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lines of a log are kept: they were formatted into a longer block, and cut to their length in it."""
# TRUTH class=leak hint=unbounded-container objects=1
from case import run

ERRORS = []


def note(n):
    ERRORS.append("%010d GET /item/%060d 200" % (n, n))  # LEAK


run(note, rate=487)

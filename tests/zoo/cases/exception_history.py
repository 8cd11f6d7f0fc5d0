# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Failed jobs are remembered by their exception, which holds the frames and their locals."""
# TRUTH class=leak hint=exception-traceback
from case import run

FAILED = []


def job(n):
    rows = [n] * 20  # LEAK
    raise ValueError(len(rows))  # LEAK


def attempt(n):
    try:
        job(n)  # LEAK
    except ValueError as e:
        FAILED.append(e)


run(attempt, rate=200)

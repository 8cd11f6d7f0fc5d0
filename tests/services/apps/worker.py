# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A job is a line with its number; its answer is a line."""
import sys


def run(job):
    for line in sys.stdin:
        print(job(int(line)), flush=True)

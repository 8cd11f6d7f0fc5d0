# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ratios of what was measured with and without something, and how far they can be trusted."""
import math
import statistics


def t95(n):
    """Student's t for 95 % of @n values (Cornish-Fisher; three at least)."""
    d = n - 1
    return 1.96 + 2.372 / d + 2.823 / d**2 + 2.556 / d**3


def interval(rows, statistic):
    """(@statistic of all rows, half of its interval of 95 %): from what it becomes without one of the rows (jackknife). Of a mean
    that is the usual interval, and it is good for what has none of its own, as a percentile of all that the rows have."""
    n = len(rows)
    without = [statistic(rows[:k] + rows[k + 1 :]) for k in range(n)]
    middle = statistics.mean(without)
    return statistic(rows), t95(n) * math.sqrt((n - 1) / n * sum((x - middle) ** 2 for x in without))


def between(before, after, when, key):
    """The value that lies on the line from one span to the other: what grows steadily is no part of a ratio."""
    share = (when - before["at"]) / (after["at"] - before["at"])
    return before[key] + share * (after[key] - before[key])

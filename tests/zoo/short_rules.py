# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules are compiled from text for each use, keep a dict at a line of their own, run for two milliseconds, and are gone."""
from common import Meter, request

KEPT = []
FILE = "/rules/price.py"
RULE = "KEPT.append({'n': n})\nsum(range(100000))\n# rule %d"


def rule(n):
    exec(compile(RULE % n, FILE, "exec"), {"KEPT": KEPT, "n": n})


def main():
    meter = Meter(rate=100)
    n = 0
    while meter.running():
        request(n)
        for _ in range(meter.due()):
            n += 1
            rule(n)
            meter.leaked(0)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A quiet service. Its rules are compiled from text for each use, keep a dict at a line of their own, wait for 30 ms, and are gone."""
import time

from common import Meter

KEPT = []
OTHERS = []
FILE = "/rules/price.py"
RULE = "KEPT.append({'n': n})\nrest(0.03)\n# rule %d"


def rule(n):
    exec(compile(RULE % n, FILE, "exec"), {"KEPT": KEPT, "n": n, "rest": time.sleep})
    OTHERS[:] = [bytes(size) for size in range(192, 320, 16) for _ in range(30)]  # lie where its code lay


def main():
    meter = Meter(rate=12)
    n = 0
    while meter.running():
        time.sleep(0.005)
        for _ in range(meter.due()):
            n += 1
            rule(n)
            meter.leaked(0)


if __name__ == "__main__":
    main()

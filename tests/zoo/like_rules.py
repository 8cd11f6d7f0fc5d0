# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A quiet service. Its two rules are compiled from text for each use, in turn: of one shape, they lie where the other did, with
all that belongs to them. Both begin at one line: one keeps a set at its second, the other a dict at its third."""
import time

from common import Meter

KEPT = []
RULES = ("new\nKEPT.append(new())\n", set), ("new\n\nKEPT.append(new())\n", dict)


def rule(n):
    text, new = RULES[n % 2]
    exec(compile(text, "<rule>", "exec"), {"KEPT": KEPT, "new": new})


def main():
    meter = Meter(rate=200)
    n = 0
    while meter.running():
        time.sleep(0.002)
        for _ in range(meter.due()):
            n += 1
            rule(n)
            meter.leaked(0)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cells of a notebook, rules, templates: code that lives for one call, at the address of the one before."""
from common import Meter, request

OUT = []
HISTORY = []
ROWS = 100


def load(n):
    return [{"row": i, "value": i * n} for i in range(ROWS)]  # LEAK


def note(source):
    HISTORY.append(source.splitlines())  # a list and two strings


def main():
    meter = Meter(rate=20)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            source = "OUT.append(load(%d))\n# end of %d" % (n, n)
            note(source)
            exec(compile(source, "<cell>", "exec"))
            meter.leaked(0, ROWS)


main()

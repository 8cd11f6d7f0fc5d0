# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cells of a notebook, rules, templates: code that lives for one call, at the address of the one before."""
# TRUTH class=leak hint=unbounded-container
from case import run

OUT = []
HISTORY = []


def load(n):
    return [{"row": i, "value": i * n} for i in range(100)]  # LEAK


def note(source):
    HISTORY.append(source.splitlines())  # LEAK


def cell(n):
    source = "OUT.append(load(%d))\n# end of %d" % (n, n)
    note(source)
    exec(compile(source, "<cell>", "exec"))


run(cell, rate=20)

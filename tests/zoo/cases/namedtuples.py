# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Audit records pile up as named tuples."""
# TRUTH class=leak hint=unbounded-container
import collections

from case import run

Audit = collections.namedtuple("Audit", "who what when")
TRAIL = []


def audit(n):
    TRAIL.append(Audit("alice", "login", float(n)))  # LEAK


run(audit, rate=450)

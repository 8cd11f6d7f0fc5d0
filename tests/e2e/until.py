# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ends a watch when it has said what it is asked for, and not later: harness.run_tool(until=Until(...))."""
import re


def sites_of(text):
    """The sites of a printed report, each with all its lines."""
    return re.split(r"^#[0-9]+ +", text, flags=re.M)[1:]


def samples_of(site):
    """Those of the site, or of the first of its places."""
    return int((re.findall(r"from ([0-9]+) samples?,", site) or [0])[0])


class Until:
    """Hears the lines that are printed. Has holds(text) been true of so many reports, one behind the other?"""

    def __init__(self, holds, in_a_row):
        self.holds, self.in_a_row = holds, in_a_row
        self.lines, self.right = [], 0

    def hear(self, line):
        if "report so far, watched for" in line:
            self.lines = []
        self.lines.append(line)
        if not line.startswith("  measured: "):
            return False
        self.right = self.right + 1 if self.holds("".join(self.lines)) else 0
        return self.right == self.in_a_row

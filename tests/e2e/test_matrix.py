# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every program on every Python; in the core set a few, on Debian's: of all others there are recordings (tests/judge)."""
import os

import harness
import pytest
import pythons
import zoo
from until import Until, sites_of

# So many reports, one each two seconds, whose first site is the right one end a watch of the core set: its rate has settled, and
# 15 s are over, after which others may be called a leak. A watch that is recorded goes on.
IN_A_ROW = 8
CELLS = [(pythons.host(), name) for name in zoo.CORE]
CELLS += [(p, name) for p in pythons.debian_roots() for name in zoo.EVERYWHERE]
MORE = [(p, name) for p in [pythons.host(), *pythons.others()] for name in zoo.PROGRAMS
        if (p, name) not in CELLS and not (p.is_musl and name == "ctypes_malloc")]


def until_seen(program):
    places = ["%s.py:%d " % (program.name, n) for n in program.guilty]
    return Until(lambda text: any(place in site for site in sites_of(text)[:1] for place in places), IN_A_ROW)


@pytest.mark.parametrize("python,name", CELLS + [pytest.param(*c, marks=pytest.mark.matrix) for c in MORE],
                         ids=lambda x: getattr(x, "name", x))  # fmt: skip
def test_cell(python, name, full, record_property):
    pythons.install_zoo(python)
    # Objects are seen in a program that has little else to do as well; windows on malloc, which are few, are to be met by its calls.
    rest = () if full or name not in zoo.EVERYWHERE else harness.GENTLE
    program = zoo.PROGRAMS[name]
    is_whole = full or os.environ.get("PYLEAK_TEST_RECORD")
    result = harness.run_pair(python, program, args=rest, until=None if is_whole else until_seen(program))
    record_property("cell", harness.row(result))
    assert result.ok, "; ".join(result.problems)


def test_text_is_compared():
    """A breakpoint that stays in a target makes its cell fail."""
    run = harness.ToolRun(0, None, "", "", [], None)
    with harness.Target(pythons.host(), "dicts") as target:
        target.wait_ready()
        problems = [harness.judge(run, target, zoo.PROGRAMS["dicts"], "").problems]
        with open("/proc/%d/maps" % target.pid) as f:
            end = next(row[0].split("-")[1] for row in map(str.split, f) if "x" in row[1])
        with open("/proc/%d/mem" % target.pid, "r+b", buffering=0) as mem:
            mem.seek(int(end, 16) - 1)
            mem.write(b"\xcc")
        problems.append(harness.judge(run, target, zoo.PROGRAMS["dicts"], "").problems)
    assert problems == [["no report"], ["1 bytes of its text are not those of its files", "no report"]]

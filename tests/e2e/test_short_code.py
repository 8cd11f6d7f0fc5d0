# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Code that lives for one call and leaves its address to the next: what it calls has its line, what it made is nobody else's."""
import os

import pytest

import harness
import pythons

PROGRAM = os.path.join(pythons.ZOO, "cases", "exec_cells.py")


def line_of(text):
    with open(PROGRAM) as f:
        return next(n for n, line in enumerate(f, 1) if text in line)


def through(process, text):
    """Objects a second of the sites at a line."""
    at = (PROGRAM, line_of(text))
    return sum(s["growth_count_per_s"] for s in process["sites"] if s["kind"] == "object" and at in [
        (f.get("file"), f.get("line")) for f in s["stack"][:1]])  # fmt: skip


def test_cells_of_a_notebook():
    with harness.Target(pythons.host(), "cases/exec_cells", harness.GENTLE) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 30)
    process = run.report["processes"][0]
    first = process["sites"][0]
    print(process["verdict"], [(s["stack"][0], s["growth_count_per_s"]) for s in process["sites"][:5]])
    assert (first["stack"][0]["file"], first["stack"][0]["line"]) == (PROGRAM, line_of("# LEAK"))
    assert "exec_cells.py:%d" % line_of("# LEAK") in process["verdict"]["reason"]
    # Each cell makes 100 dicts, and ints that are not small; for each a list and two strings.
    assert through(process, "# LEAK") > 20 * 100 * 0.5
    # 60 a second, of which few are seen; it was more than 2,000 when those above had no name.
    assert through(process, "HISTORY.append") < 500


@pytest.mark.quiet
def test_rules_that_are_gone_when_a_window_ends():
    """Their code is copied while it runs, for 30 ms: what they keep is told to their own line, not to one that is not
    known. Beside other watches on two CPUs a fifth of it, and up to a third, is gone before it can be copied."""
    with harness.Target(pythons.host(), "short_rules") as target:
        target.wait_ready()
        # The default sees some thirty births in that time: chance alone would decide.
        run = harness.run_tool(target.pid, 14, ("--overhead", 40))
    sites = [s for s in run.report["processes"][0]["sites"] if s["kind"] == "object" and s["growth_count_per_s"] > 0]
    rates = {}
    for s in sites:
        at = (s["stack"][0].get("file"), s["stack"][0].get("line"))
        rates[at] = rates.get(at, 0) + s["growth_count_per_s"]
    print(rates)
    assert rates[("/rules/price.py", 1)] > 3 * rates.get(("?", None), 0)


def tell_rules_apart(python, *options):
    """A line is told what is its own, or nothing: each rule keeps a hundred a second, of a type that the other does not make."""
    with harness.Target(python, "like_rules") as target:
        target.wait_ready()
        # Where an event is dear the default has some ten windows in that time.
        run = harness.run_tool(target.pid, 20, ("--overhead", 40, *options))
    rates, still = {}, 0
    for s in run.report["processes"][0]["sites"]:
        top = s["stack"][0]
        for t in s["types"] if s["kind"] == "object" else []:
            at = (top.get("line") if top.get("file") == "<rule>" else None, t["name"])
            if s["growth_count_per_s"] > 0:
                rates[at] = rates.get(at, 0) + s["growth_count_per_s"] * t["share"]
            elif t["name"] in ("set", "dict"):
                still += s["outstanding_count"] * t["share"] / run.report["duration_s"]
    print(rates, still)
    # Code that is gone has no name, and what it keeps is not told: what is left of one rule may be so few that there is none of
    # the last seconds, and it counts as what has stopped.
    assert sum(rates.values()) + still > 120
    for line, own, other in ((2, "set", "dict"), (3, "dict", "set")):
        assert rates.get((line, own), 0) < 150
        assert rates.get((line, other), 0) < 15


def of_minors(*minors):
    return [p for p in pythons.debian_roots() if p.minor in minors]


@pytest.mark.parametrize("python", pythons.params([pythons.host()] + of_minors(13)))
def test_rules_of_one_shape(python):
    tell_rules_apart(python)


@pytest.mark.parametrize("python", pythons.params(of_minors(9)))
def test_rules_of_one_shape_in_long_windows(python):
    """A window of some 100 ms meets both, at one address, and up to 55 of 100 were told to the other's line."""
    tell_rules_apart(python, "--max-pause", 20)

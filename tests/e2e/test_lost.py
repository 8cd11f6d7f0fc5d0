# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""With birth sites lost behind the finder's own check, as on a build that it does not understand and does not know it: no wrong
line comes first and is called a leak, and what is left out is said."""
import harness
import pytest
import pythons
import zoo

MORE = [pytest.param(n, k, marks=pytest.mark.matrix)
        for n in ("slots", "floats", "str_split", "instances") for k in ("2", "3", "10")]  # fmt: skip


@pytest.mark.parametrize("name, every", [("dicts", "2"), ("dicts", "3"), *MORE])
def test_sites_lost(name, every):
    program = zoo.PROGRAMS[name]
    with harness.Target(pythons.host(), name) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 20, env={"PYLEAK_TEST_LOSE_SITES": every})
        assert target.alive()
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    leaks = [s for s in process["sites"] if s["verdict"] == "leak"]
    for site in leaks[:1]:
        file, line = harness.blamed(site, program, target.path)
        assert file == target.path and line in program.guilty | program.grows, (file, line, run.stdout[-2000:])
    assert leaks or "no line is told of" in run.stdout, run.stdout[-2000:]


@pytest.mark.parametrize("python", [pythons.host(), *pythons.debian_roots()], ids=lambda p: p.name)
def test_nothing_lost(python):
    """All births of a busy program are seen: a stale object in raw memory now and then is none that was missed."""
    with harness.Target(python, "dicts") as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 12)
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    assert "no line is told of" not in run.stdout
    assert process["lost"].get("births_unseen", 0) <= 3, process["lost"]

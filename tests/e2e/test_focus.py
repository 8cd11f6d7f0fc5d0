# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A leak that begins when the windows are on other sites already, at a line that had never run."""
import harness
import pythons
import zoo

PROGRAM = zoo.Program("late")


def test_a_line_that_comes_late():
    with harness.Target(pythons.host(), PROGRAM.name, ["--seconds", "90", *harness.GENTLE]) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 40, harness.AS_OF_A_BUSY_ONE)
        assert target.alive()
    assert run.rc == 0, run.stderr
    sites = run.report["processes"][0]["sites"]
    first = harness.blamed(sites[0], PROGRAM, target.path)
    assert first[1] in PROGRAM.guilty and sites[0]["verdict"] in ("leak", "growing"), run.stdout[-3000:]
    temporary = PROGRAM.marked("TEMPORARY")
    # A few of one window may be left; blind for the whole time it had as many as the leak.
    wrong = [s for s in sites if harness.blamed(s, PROGRAM, target.path)[1] in temporary
             and s["samples"] > sites[0]["samples"] / 3]  # fmt: skip
    assert not wrong, run.stdout[-3000:]

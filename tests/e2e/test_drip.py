# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One block of 64 bytes a second, in a heap of 500 MB where thousands come and go: called within ten minutes. A minute at
ten times the rate has the same counts. In the full matrix: a heap of this size and hours of innocence cost more than they
tell each time. In the core set rare leaks are `slow` of test_matrix.py, and the curves of tests/unit/test_curve.c."""
import concurrent.futures
import time

import harness
import pytest
import pythons

pytestmark = [pytest.mark.matrix, pytest.mark.quiet]
PROGRAM = "drip"
FASTER = ("--rate", "10", "--lives", "3", "--blocks", "8000000")
REAL = ("--seconds", "900", "--rate", "1", "--lives", "30", "--blocks", "8000000")
INNOCENT = ("--seconds", "900", "--rate", "0", "--lives", "3", "--blocks", "8000000")


def mark(word):
    with open("%s/%s.py" % (pythons.ZOO, PROGRAM)) as f:
        return {n for n, text in enumerate(f, 1) if "# " + word in text}


def watch(args, seconds):
    """(class of the process, lines called leak, was the drip ever called on the way)"""
    with harness.Target(pythons.host(), PROGRAM, args) as target:
        target.wait_ready()
        time.sleep(1)
        run = harness.run_tool(target.pid, seconds)
        assert run.rc == 0, run.stderr
        assert target.alive()
    process = run.report["processes"][0]
    lines = {[f for f in s["stack"] if f["lang"] == "python"][0]["line"]
             for s in process["sites"] if s["verdict"] == "leak"}  # fmt: skip
    called = any("LEAK (confidence" in line and "drip.py:%d " % n in line
                 for _, line in run.printed for n in mark("LEAK"))  # fmt: skip
    print(process["verdict"], sorted(lines), called)
    return process["verdict"]["class"], lines, called


@pytest.mark.parametrize("args,seconds", [(FASTER, 60), (REAL, 600)], ids=["faster", "real"])
def test_a_drip_is_called_and_none_made_up(args, seconds):
    assert len(mark("LEAK")) == 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        innocent, drips = pool.submit(watch, INNOCENT, 60), pool.submit(watch, args, seconds)
        assert drips.result()[2]
        verdict, lines, _ = innocent.result()
        assert verdict != "leak" and not lines


def test_an_hour_of_innocence():
    """Three times; the hour is thinned to six minutes at ten times the pace."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for verdict, lines, _ in pool.map(lambda _: watch(INNOCENT, 360), range(3)):
            assert verdict != "leak" and not lines

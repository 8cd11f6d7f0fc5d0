# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Several processes in one watch."""
import contextlib
import subprocess

import pytest

import harness
import pythons

SECONDS = 2
PROGRAM = "import time\nprint(1, flush=True)\nwhile True:\n    x = [{} for _ in range(100)]\n    time.sleep(0.01)\n"


@contextlib.contextmanager
def running(n):
    """That many Pythons, by their pids."""
    targets = [subprocess.Popen([pythons.HOST, "-c", PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(n)]
    try:
        for target in targets:
            assert target.stdout.readline()
        yield [target.pid for target in targets]
    finally:
        for target in targets:
            target.kill()
            target.wait()
            target.stdout.close()


@pytest.mark.quiet
def test_they_have_one_time():
    """Those that are opened first wait for the others: that is no time of theirs, nor did the tool stand still in it."""
    with running(6) as pids:
        run = harness.run_tool(",".join(map(str, pids)), SECONDS)
    assert run.rc == 0, run.stderr
    assert {p["pid"] for p in run.report["processes"]} == set(pids)
    for process in run.report["processes"]:
        assert process["memory"]["series"][-1]["t_s"] <= run.report["duration_s"]
        assert process["lost"]["stood_still"] == 0

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--children, and a process that execs itself again and again: sometimes while it is being attached to."""
import subprocess

import pytest

import harness
import pythons

AGAIN = """
import os, sys, time
kept = []
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    kept.append([len(kept), "kept-%d" % len(kept)])
    time.sleep(0.005)
os.execv(sys.executable, [sys.executable, *sys.argv])
"""
SECONDS = 4


@pytest.mark.parametrize("every", [0.3, 1, 2])
def test_the_watch_lasts_as_long_as_it_was_asked_to(tmp_path, every, full):
    path = tmp_path / "again.py"
    path.write_text(AGAIN)
    with subprocess.Popen([pythons.HOST, "-B", str(path), str(every)], stdin=subprocess.DEVNULL) as process:
        try:
            for _ in range(3 if full else 1):
                run = harness.run_tool(process.pid, SECONDS, ["--children", "-q"])
                assert process.poll() is None
                assert run.rc == 0, run.stderr
                assert run.report["duration_s"] > SECONDS - 0.5, run.stdout
                assert not harness.validate(run.report)
                assert run.report["tree"]["started"] == 0, run.stdout
                assert "has ended" not in run.stdout and "have ended" not in run.stdout, run.stdout
        finally:
            process.kill()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The process that writes files is stopped or killed meanwhile: the tool says so, and ends."""
import contextlib
import os
import signal
import subprocess
import time

import pytest

import harness
import pythons

LEAK = "import time\nkept = []\nwhile True:\n    kept.append({1: 2})\n    time.sleep(0.01)"


def watch(seconds, sig, interrupts=False):
    """Returns the run, the process that got the signal, and how long the tool lived after that."""
    seen = {}

    def hit(tool):
        seen["pid"] = harness.helper(tool.pid, "pyleak-files")
        # Behind its start there is something to report.
        harness.wait_until(lambda: " report in " in harness.said_by(tool), pause=0.1)
        time.sleep(2)
        os.kill(seen["pid"], sig)
        begin = time.monotonic()
        try:
            if interrupts:
                tool.send_signal(signal.SIGINT)
            tool.wait(timeout=90)
            seen["s"] = time.monotonic() - begin
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(seen["pid"], signal.SIGCONT)

    with subprocess.Popen([pythons.HOST, "-c", LEAK]) as target:
        try:
            return harness.run_tool(target.pid, seconds, during=hit), seen["pid"], seen["s"]
        finally:
            target.kill()


@pytest.mark.parametrize("interrupts", [True, False], ids=["Ctrl-C", "by itself"])
def test_a_stopped_writer_of_files_is_named_and_left(interrupts):
    """30 s are waited at most, and 2 s after Ctrl-C."""
    run, pid, lived_s = watch(100 if interrupts else 4, signal.SIGSTOP, interrupts)
    held = "(pyleak-files, %d), which was stopped: kill -CONT %d\n" % (pid, pid)
    assert run.rc == 1 and run.report is None, run.stderr
    assert run.stderr.count("waits, for 30 s at most, for the process that writes files %s" % held) == 1, run.stderr
    assert "report.json: the process that writes files (pyleak-files, %d) was stopped: kill -CONT %d\n" % (pid, pid) in run.stderr
    assert lived_s < (12 if interrupts else 50), lived_s


def test_a_killed_writer_of_files_is_no_fault_of_the_disk():
    run, _, _ = watch(6, signal.SIGKILL)
    assert run.rc == 1 and run.report is None, run.stderr
    assert "report.json: the process that writes files (pyleak-files) has ended\n" in run.stderr, run.stderr
    assert "Input/output error" not in run.stderr

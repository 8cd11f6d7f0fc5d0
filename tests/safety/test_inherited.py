# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A child that is forked while probes stay in the parent inherits their breakpoints, and loses them soon."""
import subprocess
import time

import lib_commands
import lib_text

# Quiet, so that the probes stay in; its children are what must not pay for that.
PARENT = """
import os, sys, time
kept = []
def one(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kept.append({}); time.sleep(0.05)
one(5)
child = os.fork()
if not child:
    time.sleep(60); os._exit(0)
print(child, flush=True)
one(60)
"""
SOON_S = 2.5


def settled(pid, limit_s):
    """Seconds until nothing foreign is in the text of this process; at most @limit_s."""
    begin = time.monotonic()
    while lib_text.foreign_bytes(pid) and time.monotonic() - begin < limit_s:
        time.sleep(0.05)
    return time.monotonic() - begin


def test_a_child_of_a_quiet_parent_runs_without_probes():
    parent = subprocess.Popen(["/usr/bin/python3", "-c", PARENT], stdout=subprocess.PIPE, text=True)
    tool = subprocess.Popen([lib_commands.TOOL, "-p", str(parent.pid), "-q", "-d", "10"], stdout=subprocess.PIPE, text=True)
    child = None
    try:
        child = int(parent.stdout.readline())
        took_s = settled(child, 6)
        in_parent = lib_text.foreign_bytes(parent.pid)
        out, _ = tool.communicate(timeout=60)
        assert took_s < SOON_S, took_s
        # Or the child had nothing to lose.
        assert in_parent, out
        assert tool.returncode == 0 and lib_text.foreign_bytes(child) == 0
        assert "stood still" not in out
    finally:
        for process in (tool, parent):
            if process.poll() is None:
                process.kill()
            process.wait()
        if child:
            subprocess.run(["kill", "-9", str(child)], check=False)

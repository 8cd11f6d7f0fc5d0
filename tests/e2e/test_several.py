# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Several processes in one watch."""
import contextlib
import re
import subprocess

import pytest

import harness
import pythons

SECONDS = 2
PROGRAM = "import time\nprint(1, flush=True)\nwhile True:\n    x = [{} for _ in range(100)]\n    time.sleep(0.01)\n"


# At a word, what is no end of the process.
GOES_ON = """import ctypes, os, threading
def work():
    {}
threading.Thread(target=work).start()
input()
""".format(PROGRAM.rstrip().replace("\n", "\n    "))
WAYS = {  # the note, what it does now
    'os.execv("/bin/sleep", ["sleep", "100"])': (
        "process %d has exec'ed another program: if that is a Python, -p %d watches it, and --children goes on with it by itself", "runs another program now"),
    "ctypes.CDLL(None).pthread_exit(None)": (
        "the main thread of process %d has ended: its others are not watched", "goes on without its main thread"),  # fmt: skip
    "os._exit(0)": (None, None),
}


@contextlib.contextmanager
def started(*programs):
    targets = [subprocess.Popen([pythons.HOST, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for program in programs]
    try:
        for target in targets:
            assert target.stdout.readline()
        yield targets
    finally:
        for target in targets:
            target.kill()
            target.communicate()


@contextlib.contextmanager
def running(n):
    """That many Pythons, by their pids."""
    with started(*[PROGRAM] * n) as targets:
        yield [target.pid for target in targets]


def said(tool):
    with open("/proc/%d/fd/2" % tool.pid) as log:
        return log.read()


@pytest.mark.calm
def test_they_have_one_time():
    """Those that are opened first wait for the others: that is no time of theirs, nor did the tool stand still in it."""
    with running(6) as pids:
        run = harness.run_tool(",".join(map(str, pids)), SECONDS)
    assert run.rc == 0, run.stderr
    assert {p["pid"] for p in run.report["processes"]} == set(pids)
    for process in run.report["processes"]:
        assert process["memory"]["series"][-1]["t_s"] <= run.report["duration_s"]
        assert process["lost"]["stood_still"] == 0


def test_one_that_goes_on_unwatched_is_said_to():
    with started(PROGRAM, *(GOES_ON + way for way in WAYS)) as targets:

        def go_on(tool):
            harness.wait_until(lambda: all("watching %d (" % t.pid in said(tool) for t in targets))
            for target in targets[1:]:
                target.stdin.write(b"\n")
                target.stdin.flush()

        run = harness.run_tool(",".join(str(t.pid) for t in targets), 8, during=go_on)
    assert run.rc == 0, run.stderr
    processes = {p["pid"]: p for p in run.report["processes"]}
    assert processes[targets[0].pid]["state"] == "running"
    for target, (why, now) in zip(targets[1:], WAYS.values()):
        process = processes[target.pid]
        why = why and why.replace("%d", str(target.pid))
        assert (process["state"], process.get("goes_on")) == ("exited", now)
        assert re.search("(?m)^pid %d [^,]+, %s, CPython" % (target.pid, now or "has ended"), run.stdout)
        assert [n for n in process.get("notes", []) if str(target.pid) in n] == ([why] if why else [])
        assert (why or "process %d has ended" % target.pid) in run.stderr

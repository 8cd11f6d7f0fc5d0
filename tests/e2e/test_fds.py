# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Descriptors, threads and children: the line, the hint and the counts of each program of zoo/fds."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import harness
import pythons
import pytest

ZOO = os.path.join(pythons.ZOO, "fds")
# Threads without the GIL hand over stacks side by side: the record of one may wait for that of another.
LOST_ALLOWED = set(harness.LOST_ALLOWED) | {"stack_unknown"}
WATCH_S = 18
FEWEST_TURNS = 50  # of the 72 that are due by then
LIMIT_S = 60
SETTLE_S = 1.0  # younger descriptors than 0.5 s do not count
NAMES = sorted(os.path.basename(p)[:-3] for p in glob.glob(ZOO + "/*.py") if not p.endswith("pace.py"))
LEAKS = [n for n in NAMES if not n.startswith("twin_")]
TWINS = [n for n in NAMES if n.startswith("twin_")]
# By `make test` on Debian 12's Python, and on its others; the rest is `make matrix`, and recordings (tests/judge).
CORE = ["files", "sockets_close_wait", "twin_handles"]
ELSEWHERE = {"threads": ("debian-3.15",)}


def source(name):
    with open(os.path.join(ZOO, name + ".py")) as f:
        return f.read()


def truth_of(name):
    return json.loads(re.search(r"^# TRUTH (.*)$", source(name), re.M).group(1))


def guilty(name):
    return [n for n, text in enumerate(source(name).splitlines(), 1) if "# LEAK" in text][0]


class Outcome:
    """One of the programs that the tool has watched, and what /proc and the program say themselves."""

    def __init__(self, name, target):
        self.name, self.path, self.target = name, target.path, target
        self.begun = self.turns()

    def turns(self):
        rows = self.target.truth()
        return rows[-1]["turns"] if rows else 0

    def is_done(self):
        """A program that gets no CPU has leaked nothing that could be seen."""
        return self.turns() >= self.begun + FEWEST_TURNS

    def end(self):
        self.ended = self.turns()
        self.fds = len(os.listdir("/proc/%d/fd" % self.target.pid))

    def sites(self):
        """Those of descriptors, threads and children: (kind, line of the program, site)."""
        found = []
        for s in self.process["sites"]:
            if s["kind"] in ("fd", "thread"):
                lines = [f["line"] for f in s["stack"] if f["file"] == self.path]
                found.append((s["kind"], lines[0] if lines else None, s))
        return found

    def show(self):
        return "\n".join("%s %s %s %s %s %s" % (kind, line, s["verdict"], s["outstanding_count"],
                                                s["types"], s["hint"]) for kind, line, s in self.sites())  # fmt: skip


def watch(targets, out, recording):
    """The targets, by name, stand still before the end: then what the report counts is what /proc shows. Their outcomes."""
    pids = ",".join(str(t.pid) for t in targets.values())
    cmd = [harness.TOOL, "-p", pids, "-i", "60", "--no-color", "--json", out, *harness.recording_args(recording)]
    tool = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said, waits_for = "", len(targets)
        for line in tool.stderr:
            said += line
            waits_for -= line.startswith("watching")
            if not waits_for:
                break
        found = [Outcome(name, target) for name, target in targets.items()]
        start = time.monotonic()
        time.sleep(WATCH_S)
        while not all(o.is_done() for o in found) and time.monotonic() < start + LIMIT_S:
            time.sleep(0.5)
        for target in targets.values():
            os.kill(target.pid, signal.SIGSTOP)
        time.sleep(SETTLE_S)
        for o in found:
            o.end()
        tool.send_signal(signal.SIGINT)
        said += tool.communicate(timeout=60)[1]
    finally:
        if tool.poll() is None:
            tool.kill()
            tool.wait()
    assert tool.returncode == 0 and os.path.exists(out), said
    return found


def outcomes(python, *names):
    """By name."""
    recording = harness.new_recording()
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as d:
        targets = {}
        for name in names:
            targets[name] = stack.enter_context(harness.Target(python, "fds/" + name))
            stack.callback(shutil.rmtree, targets[name].truth_file + ".scratch", ignore_errors=True)
        for target in targets.values():
            target.wait_ready()
        found = watch(targets, os.path.join(d, "report.json"), recording)
        with open(os.path.join(d, "report.json")) as f:
            report = json.load(f)
    problems = harness.validate(report)
    processes = {p["pid"]: p for p in report["processes"]}
    for o in found:
        o.recording, o.report, o.problems, o.process = recording, report, problems, processes[o.target.pid]
    return {o.name: o for o in found}


def check_common(o):
    assert not o.problems, o.problems
    fds = o.process["fds"]
    assert fds["lines_from"] == "libc"
    assert fds["open"] == o.fds, "the report counts %d descriptors, /proc %d" % (fds["open"], o.fds)
    # A call that was waiting inside libc when the probes came returns unseen: accept in a server's thread.
    assert fds["no_line"] <= 1, "%d descriptors of no known line" % fds["no_line"]
    assert not [k for k, v in o.process["lost"].items() if v and k not in LOST_ALLOWED]


def check_leak(o):
    want = truth_of(o.name)
    line = guilty(o.name)
    check_common(o)
    mine = [s for kind, at, s in o.sites() if kind == want["kind"] and at == line]
    assert mine, "no site at line %d:\n%s" % (line, o.show())
    assert all(s["verdict"] in ("leak", "growing") for s in mine), o.show()
    assert [at for _, at, s in o.sites() if s["verdict"] == "leak" and at != line] == [], o.show()
    # The tool was there before the program had turned for long, and only counts what came since.
    count = sum(s["outstanding_count"] for s in mine)
    most = want["per_turn"] * o.ended
    least = most - want["per_turn"] * (o.begun + 4 * 8)
    assert least <= count <= most, "%d counted, %d made, %d of them before\n%s" % (count, most, o.begun, o.show())
    check_words(want, mine, o)


def check_words(want, sites, o):
    hints = [s["hint"] for s in sites]
    if want.get("lines") == "several":
        assert want["hint"] in [h["code"] for h in hints], o.show()
        return
    assert [h["code"] for h in hints] == [want["hint"]], o.show()
    assert want.get("type", "") in sites[0]["types"][0]["name"], o.show()
    assert want.get("text", "") in hints[0]["text"], o.show()


def check_twin(o):
    check_common(o)
    assert [s for _, _, s in o.sites() if s["verdict"] == "leak"] == [], o.show()


def check(python, name, o=None):
    pythons.install_zoo(python)
    o = o or outcomes(python, name)[name]
    check_twin(o) if name in TWINS else check_leak(o)
    classes = harness.INNOCENT if name in TWINS else ("leak", "growing")
    harness.keep_accepted(o.recording, "fds-%s-%s" % (name, python.name), o.report, classes)


@pytest.fixture(name="core_ones", scope="module")
def core_ones_fixture(full):
    """Those of the core set, watched together; all are watched alone in the matrix."""
    return {} if full else outcomes(pythons.host(), *CORE)


def core(names):
    return [pytest.param(n, marks=() if n in CORE else pytest.mark.matrix) for n in names]


@pytest.mark.parametrize("name", core(LEAKS))
def test_the_leaking_line_is_named(core_ones, name):
    check(pythons.host(), name, core_ones.get(name))


@pytest.mark.parametrize("name", core(TWINS))
def test_what_does_not_leak_is_not_accused(core_ones, name):
    check(pythons.host(), name, core_ones.get(name))


@pytest.mark.parametrize("python,name", [
    pytest.param(p, n, marks=() if p.name in ELSEWHERE.get(n, ()) else pytest.mark.matrix)
    for p in pythons.others() for n in NAMES], ids=lambda x: getattr(x, "name", x))  # fmt: skip
def test_other_interpreters(python, name):
    check(python, name)


def test_without_descriptors():
    with harness.Target(pythons.host(), "fds/files") as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 2, ["-q", "--no-fds"])
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    assert process["fds"] is None
    assert not [s for s in process["sites"] if s["kind"] in ("fd", "thread")]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Descriptors, threads and children: the line, the hint and the counts of each program of zoo/fds."""
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
    """One program watched by the tool, and what /proc and the program say themselves."""

    def __init__(self, python, name):
        self.name = name
        with harness.Target(python, "fds/" + name) as target, tempfile.TemporaryDirectory() as d:
            try:
                target.wait_ready()
                self.path = target.path
                self.watch(target, os.path.join(d, "report.json"))
            finally:
                shutil.rmtree(target.truth_file + ".scratch", ignore_errors=True)
        assert self.rc == 0, self.stderr
        self.problems = harness.validate(self.report)
        self.process = self.report["processes"][0]

    def watch(self, target, out):
        """The target stands still before the end: then what the report counts is what /proc shows."""
        self.recording = harness.new_recording()
        cmd = [harness.TOOL, "-p", str(target.pid), "-i", "60", "--no-color", "--json", out, *harness.recording_args(self.recording)]
        tool = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)  # fmt: skip
        try:
            self.stderr = ""
            for line in tool.stderr:
                self.stderr += line
                if line.startswith("watching"):
                    break
            self.begun = self.turns(target)
            self.wait_for_turns(target)
            os.kill(target.pid, signal.SIGSTOP)
            time.sleep(SETTLE_S)
            self.ended = self.turns(target)
            self.fds = len(os.listdir("/proc/%d/fd" % target.pid))
            tool.send_signal(signal.SIGINT)
            self.stderr += tool.communicate(timeout=60)[1]
        finally:
            if tool.poll() is None:
                tool.kill()
                tool.wait()
        self.rc = tool.returncode
        assert os.path.exists(out), "no report: %s" % self.stderr
        with open(out) as f:
            self.report = json.load(f)

    def wait_for_turns(self, target):
        """A program that gets no CPU has leaked nothing that could be seen."""
        start = time.monotonic()
        time.sleep(WATCH_S)
        while self.turns(target) < self.begun + FEWEST_TURNS and time.monotonic() < start + LIMIT_S:
            time.sleep(0.5)

    @staticmethod
    def turns(target):
        rows = target.truth()
        return rows[-1]["turns"] if rows else 0

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


def check(python, name):
    pythons.install_zoo(python)
    o = Outcome(python, name)
    check_twin(o) if name in TWINS else check_leak(o)
    classes = harness.INNOCENT if name in TWINS else ("leak", "growing")
    harness.keep_accepted(o.recording, "fds-%s-%s" % (name, python.name), o.report, classes)


def core(names):
    return [pytest.param(n, marks=() if n in CORE else pytest.mark.matrix) for n in names]


@pytest.mark.parametrize("name", core(LEAKS))
def test_the_leaking_line_is_named(name):
    check(pythons.host(), name)


@pytest.mark.parametrize("name", core(TWINS))
def test_what_does_not_leak_is_not_accused(name):
    check(pythons.host(), name)


@pytest.mark.parametrize("python,name", [
    pytest.param(p, n, marks=() if p.name in ELSEWHERE.get(n, ()) else pytest.mark.matrix)
    for p in pythons.others() for n in NAMES], ids=lambda x: getattr(x, "name", x))  # fmt: skip
def test_other_interpreters(python, name):
    check(python, name)


def test_without_descriptors():
    with harness.Target(pythons.host(), "fds/files") as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 4, ["-q", "--no-fds"])
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    assert process["fds"] is None
    assert not [s for s in process["sites"] if s["kind"] in ("fd", "thread")]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--children: workers of all kinds, joined by line, and counted as they count themselves."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

import pytest

import harness
import pythons

PROGRAM = "children/workers"
FILE = "workers.py"


def line_of(mark):
    with open(os.path.join(pythons.ZOO, PROGRAM + ".py")) as f:
        return next(n for n, text in enumerate(f, 1) if text.rstrip().endswith("# " + mark))


LEAK = line_of("LEAK")


def descendants(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid) if os.path.exists("/proc/%d/task" % pid) else []:
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/children" % (pid, task)) as f:
            for child in map(int, f.read().split()):
                found += [child] + descendants(child)
    return found


class Server:
    """The program; its workers start when put("go") is called."""

    def __init__(self, python, *args):
        pythons.install_zoo(python)
        here, there = python.temp()
        self.here = tempfile.mkdtemp(prefix="pyleak-children-", dir=here)
        inside = os.path.join(there, os.path.basename(self.here))
        command = python.command(PROGRAM, ["--truth", inside, "--go", inside + "/go",
                                           "--recycle", inside + "/recycle", *map(str, args)])  # fmt: skip
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
                                        start_new_session=True)  # fmt: skip
        self.pid = self.process.pid
        self.wait_for("ready")

    def wait_for(self, name, limit_s=60):
        end = time.monotonic() + limit_s
        while not os.path.exists(os.path.join(self.here, name)):
            if self.process.poll() is not None or time.monotonic() > end:
                self.output.seek(0)
                raise RuntimeError("no %s: %s" % (name, self.output.read()[-800:]))
            time.sleep(0.05)

    def put(self, name):
        open(os.path.join(self.here, name), "w").close()

    def truth(self, when):
        """The sum that all workers together had leaked by then, and who they were."""
        total, pids = 0.0, []
        for name in os.listdir(self.here):
            if not name.isdigit():
                continue
            with open(os.path.join(self.here, name)) as f:
                rows = [json.loads(x) for x in f if x.endswith("\n")]
            before = [r for r in rows if r["wall"] <= when]
            after = [r for r in rows if r["wall"] > when]
            if not before:
                continue
            pids.append(int(name))
            total += before[-1]["leaked"]
            if after:
                part = (when - before[-1]["wall"]) / (after[0]["wall"] - before[-1]["wall"])
                total += part * (after[0]["leaked"] - before[-1]["leaked"])
        return total, pids

    def close(self):
        for pid in descendants(self.pid) + [self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()
        subprocess.run(["rm", "-rf", self.here], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Watch:
    """The tool at work. However slow the machine is: what a test waits for is what the tool says."""

    def __init__(self, *args):
        self.directory = tempfile.TemporaryDirectory()
        self.json = os.path.join(self.directory.name, "report.json")
        cmd = [harness.TOOL, "-v", "-i", "4", "--json", self.json, "--no-color", *map(str, args)]
        self.tool = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, errors="replace", start_new_session=True)  # fmt: skip
        self.said, self.text = [], []
        self.threads = [threading.Thread(target=lambda: self.said.extend(self.tool.stderr), daemon=True),
                        threading.Thread(target=lambda: self.text.extend(self.tool.stdout), daemon=True)]  # fmt: skip
        for thread in self.threads:
            thread.start()

    def wait_for(self, words, times=1, limit_s=240):
        end = time.monotonic() + limit_s
        while sum(line.count(words) for line in self.said + self.text) < times:
            assert self.tool.poll() is None and time.monotonic() < end, "".join(self.said + self.text)[-3000:]
            time.sleep(0.1)

    def finish(self):
        """The final report; and its words. As by Ctrl-C at a terminal: the whole process group is told."""
        os.killpg(self.tool.pid, signal.SIGINT)
        try:
            self.tool.wait(180)
        except subprocess.TimeoutExpired:
            self.tool.kill()
            self.tool.wait()
        for thread in self.threads:
            thread.join(10)
        assert self.tool.returncode == 0, "".join(self.said)[-2000:]
        with open(self.json) as f:
            report = json.load(f)
        self.directory.cleanup()
        assert not harness.validate(report)
        return report, "".join(self.text)


def begin(server):
    """Watched, and then its workers start."""
    watch = Watch("-p", server.pid, "--children")
    watch.wait_for("first report in")
    server.put("go")
    return watch


def blamed(site):
    frame = next(f for f in site["stack"] if f["lang"] == "python")
    return os.path.basename(frame["file"]), frame["line"]


def leak_site(process):
    return next(s for s in process["sites"] if blamed(s) == (FILE, LEAK))


def check(server, report, tolerance=None):
    """One merged report with the right line; and as many objects as the workers have counted, where that is
    asked for: on a machine that stands still for seconds a worker's growth may look like none."""
    merged = report["tree"]["merged"]
    count, pids = server.truth(harness.wall(report["ended_at"]))
    wrong = [blamed(s) for s in merged["sites"] if s["verdict"] == "leak" and blamed(s) != (FILE, LEAK)]
    assert not wrong
    site = leak_site(merged)
    ratio = site["outstanding_count"] / count
    print("%d processes, %d leaked, told %.0f: ratio %.3f; %s" % (
        site["processes"], count, site["outstanding_count"], ratio,
        {k: v for k, v in report["tree"].items() if k != "merged"}))  # fmt: skip
    if tolerance:
        assert site["processes"] == len(pids) and abs(ratio - 1) <= tolerance
    assert {m["pid"] for m in merged["members"]} >= set(pids)
    # The parent leaks nothing, and what its children inherited is not theirs.
    parent = next(p for p in report["processes"] if p["pid"] == server.pid)
    assert parent["verdict"]["class"] != "leak"
    return merged, site, pids


# With the helpers of multiprocessing that are Pythons too.
@pytest.mark.parametrize("kind,helpers", [("fork", 0), ("spawn", 1), pytest.param("forkserver", 2, marks=pytest.mark.matrix)])
def test_multiprocessing(kind, helpers, full):
    workers, owned = (4, 50000) if full else (2, 10000)
    with Server(pythons.host(), "--kind", kind, "--workers", workers, "--owned", owned) as server:
        watch = begin(server)
        watch.wait_for("watching child", workers + helpers)
        watch.wait_for("%s:%d" % (FILE, LEAK))
        time.sleep(22 if full else 0)
        report, text = watch.finish()
        # The leaks of spawned workers before they are met are not counted, nor are their imports told apart.
        merged, _, pids = check(server, report, full and (0.05 if kind != "spawn" else 0.25))
        assert len(pids) == workers
        assert merged["verdict"]["class"] in ("leak", "growing")
        assert "children:" in text


@pytest.mark.matrix
@pytest.mark.quiet
def test_prefork_with_recycling():
    """The leaks that the first workers had when they ended stay in the report until the watch ends."""
    with Server(pythons.host(), "--kind", "prefork") as server:
        watch = begin(server)
        watch.wait_for("watching child", 4)
        watch.wait_for("%s:%d" % (FILE, LEAK))
        time.sleep(15)
        server.put("recycle")
        watch.wait_for("watching child", 8)
        time.sleep(15)
        report, _ = watch.finish()
        _, site, pids = check(server, report, 0.05)
        assert len(pids) == report["tree"]["watched"] == 8
        assert sum(p["state"] == "exited" for p in report["processes"]) == 4
        # Those that have ended grow no more.
        assert site["growth_count_per_s"] < 4 * 400 * 1.5


def test_many_short_lives(full):
    """They are counted; the parent that leaks for each of them stays in sight."""
    n = 1000 if full else 100
    with Server(pythons.host(), "--kind", "short", "--children", n) as server:
        watch = begin(server)
        server.wait_for("done", 240)
        watch.wait_for("%s:%d" % (FILE, LEAK))
        report, _ = watch.finish()
        tree = report["tree"]
        assert tree["started"] == n and tree["lost"] == 0
        # but for one that is just being met
        assert tree["short_lived"] + tree["watched"] + tree["not_watched"] >= n - 2
        # One that a busy machine kept from ending may have been met.
        assert tree["short_lived"] >= 0.8 * n
        assert leak_site(report["processes"][0])


def test_those_that_wait_for_a_place_are_counted():
    with Server(pythons.host(), "--kind", "prefork", "--workers", 12, "--rate", 20, "--owned", 10000) as server:
        watch = begin(server)
        watch.wait_for("watching child")
        report, text = watch.finish()
        tree = report["tree"]
        assert tree["started"] == 12 and tree["short_lived"] == 0
        # but for one that is just being met
        assert tree["not_watched"] and tree["watched"] + tree["not_watched"] >= 11, tree
        assert "not watched: no place in time, or refused" in text


def test_copies_of_pages_are_no_leak(full):
    with Server(pythons.host(), "--kind", "cow") as server:
        watch = begin(server)
        watch.wait_for("watching child", 2)
        time.sleep(20 if full else 18)  # all of it is copied in 10 s; nothing is called a leak before 15 s
        report, _ = watch.finish()
        for process in report["processes"] + [report["tree"]["merged"]]:
            assert process["verdict"]["class"] != "leak", process["verdict"]
            assert not [s for s in process["sites"] if s["verdict"] == "leak"]


BECOMES = """
import os, sys, time
kept = []
while not os.path.exists(sys.argv[1]):
    kept.append([len(kept), "kept-%d" % len(kept)])
    time.sleep(0.005)
os.execv(sys.executable, [sys.executable, sys.argv[0], "/never"])
"""


def test_one_that_becomes_another_program():
    """It is alone, so that nobody is watched when its end is noticed."""
    with tempfile.TemporaryDirectory() as d:
        path, go = os.path.join(d, "becomes.py"), os.path.join(d, "go")
        with open(path, "w") as f:
            f.write(BECOMES)
        with subprocess.Popen([pythons.HOST, "-B", path, go], stdin=subprocess.DEVNULL) as process:
            try:
                watch = Watch("-p", process.pid, "--children")
                watch.wait_for("first report in")
                time.sleep(1)
                open(go, "w").close()
                watch.wait_for("watching child %d" % process.pid)
                report, _ = watch.finish()
            finally:
                process.kill()
        assert {(p["pid"], p["state"]) for p in report["processes"]} == {(process.pid, "running"), (process.pid, "exited")}
        assert report["tree"]["merged"]["state"] == "running"


# Launchers, as `uv run` is one: first they are no Python.
@pytest.mark.parametrize("options, launcher, says", [
    (["--children"], "exec %s", "watching child"),
    (["--children"], "sleep 1; exec %s", "watching child"),
    (["--children"], "sleep 1; %s & wait", "watching child"),
    ([], "sleep 1; exec %s", None),
], ids=["exec", "later", "child", "alone"])  # fmt: skip
def test_a_command_is_started_and_watched(options, launcher, says):
    with tempfile.TemporaryDirectory() as d:
        python = "%s -B %s/dicts.py --seconds 600 --truth %s/t %s" % (pythons.HOST, pythons.ZOO, d, " ".join(harness.GENTLE))
        # It runs on, and so would its end of our pipes.
        watch = Watch(*options, "--", "sh", "-c", "exec >/dev/null 2>&1; " + launcher % python)
        if says:
            watch.wait_for(says)
        watch.wait_for("dicts.py:")
        pids = [p for p in map(int, filter(str.isdigit, os.listdir("/proc")))
                if d.encode() in cmdline(p) and cmdline(p).startswith(pythons.HOST.encode())]  # fmt: skip
        report, _ = watch.finish()
        process = report["processes"][0]
        assert [process["pid"]] == pids
        assert d.encode() in cmdline(process["pid"])  # it runs on
        os.kill(process["pid"], signal.SIGKILL)
        assert "dicts.py" in {blamed(s)[0] for s in process["sites"]}


def cmdline(pid):
    with contextlib.suppress(OSError), open("/proc/%d/cmdline" % pid, "rb") as f:
        return f.read()
    return b""


def test_a_command_that_only_starts_a_python():
    """The Python is another process than CMD: it is watched with --children alone. That is said with -q, too."""
    command = ["--", "sh", "-c", "sleep 7; %s -c 'import time; time.sleep(2)'; true" % pythons.HOST]
    tools = [subprocess.Popen([harness.TOOL, *options, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for options in ([], ["-q"])]  # fmt: skip
    for tool in tools:
        said = tool.communicate(timeout=120)[1].splitlines()
        assert tool.returncode == 1 and len([x for x in said if "--children" in x]) == 2, said
        assert [x for x in said if "is not watched so far: it is no Python" in x], said
        assert "sh has ended and was no Python for long enough" in said[-1], said


@pytest.mark.parametrize("children_end", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_command_that_is_no_python(children_end):
    for command, says in (("true", "no Python"), ("/nonexistent/x", "cannot be started")):
        run = subprocess.run([harness.TOOL, "-q", "--", command], capture_output=True, text=True, timeout=120,
                             preexec_fn=lambda: signal.signal(signal.SIGCHLD, children_end))  # fmt: skip
        assert run.returncode == 1 and says in run.stderr and run.stderr.count("\n") == 1

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts a zoo program, points the tool at it, and compares the report with the truth."""
import contextlib
import dataclasses
import datetime
import functools
import itertools
import json
import math
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from pythons import HERE
from tool_usage import Usage

TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.join(TOP, "tests", "safety"))

import lib_text  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"))
TOOL = os.path.join(BUILD, "pyleak-bpf")
SCHEMA = os.path.join(BUILD, "report.schema.json")
RECORDINGS = itertools.count()
INNOCENT = ("growing", "warmup", "bloat", "retention", "steady")  # what a process may be called that does not leak
SECONDS = int(os.environ.get("PYLEAK_TEST_SECONDS", "20"))
INTERVAL_S = 2
FEW_SAMPLES = 30
# For a Target whose leak is the point, and not that it is busy: its requests take a tenth of a core, and not most of one.
GENTLE = ("--pause", "0.01")
# The default sees half as many births of such a program. This lets it see as many as of one that uses most of a core.
AS_OF_A_BUSY_ONE = ("--overhead", 20)

# Losses that a correct run may have, and why. Anything else is a failed check.
LOST_ALLOWED = {
    "no_thread_state": "objects born while a thread starts or ends belong to no Python line",
    "native_stack_missing": "a site that came up with the last window has its lines, and not yet the way through C code",
    "births_full": "a window whose end came late on a busy machine is void: fewer samples, no wrong ones",
    "windows_refused": "side by side, probes are changed in turn: who has waited for 100 ms leaves that window out",
    "samples_thinned": "memory is bounded: the samples that stay stand for those that go",
    "census_torn": "a pool that changed each time it was read is counted as it was seen last",
    "census_unreadable": "an arena or a block was unmapped between two reads",
    "held_by_unknown": "on a busy machine the final report does not wait for the answer for ever",
    "stood_still": "on a busy machine the tool does not get a CPU for two seconds; probes are out meanwhile",
    "torn_reads": "a pool header that changed while it was read is left out of that one census",
}


def free_port():
    """A port of 127.0.0.1; each of the processes that run tests side by side has a thousand of its own."""
    first = 20000 + 1000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for port in random.sample(range(first, first + 1000), 100):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def wait_until(what, limit_s=120, pause=0.3):
    """Until what() is true; what cannot be opened or reached yet is not."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if what():
                return
        time.sleep(pause)
    raise AssertionError("not within %d s" % limit_s)


def wait_file(path, process, limit_s=60):
    """Until the process has written this file."""

    def written():
        assert process.poll() is None, "the process died"
        return os.path.getsize(path)

    wait_until(written, limit_s, 0.05)


def throttle(process, stands_s, runs_s, limit_s=math.inf):
    """Whatever the process does takes long: it runs for moments only, until it has ended or time is up."""
    end = time.monotonic() + limit_s
    with contextlib.suppress(ProcessLookupError):
        while process.poll() is None and time.monotonic() < end:
            process.send_signal(signal.SIGSTOP)
            time.sleep(stands_s)
            process.send_signal(signal.SIGCONT)
            time.sleep(runs_s)


def helpers(pid):
    """Processes that the tool has started to help it: by name, their pids."""
    found = {}
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        for child in map(int, f.read().split()):
            with open("/proc/%d/comm" % child) as f:
                found[f.read().strip()] = child
    return {name: child for name, child in found.items() if name.startswith("pyleak-")}


def helper(pid, name, limit_s=20):
    """One of them: it has its name a moment after it was started."""
    end = time.monotonic() + limit_s
    while name not in helpers(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return helpers(pid)[name]


class Target:
    """A running zoo program."""

    def __init__(self, python, program, args=(), **popen):
        here, there = python.temp()
        stem = "pyleak-truth-%d-%s" % (os.getpid(), next(tempfile._get_candidate_names()))
        self.truth_file = os.path.join(here, stem)
        self.path = python.zoo_file(program)
        command = python.command(program, ["--truth", os.path.join(there, stem), *map(str, args)])
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, **popen
        )
        self.pid = self.process.pid

    def wait_ready(self, limit_s=60.0):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.output.seek(0)
                raise RuntimeError("%s died: %s" % (self.path, self.output.read()[-800:]))
            with contextlib.suppress(FileNotFoundError):
                if os.path.getsize(self.truth_file):
                    return
            time.sleep(0.05)
        raise RuntimeError("%s wrote no truth in %g s" % (self.path, limit_s))

    def alive(self):
        return self.process.poll() is None

    def truth(self):
        rows = []
        with open(self.truth_file) as f:
            for line in f:
                with contextlib.suppress(ValueError):
                    rows.append(json.loads(line))
        return rows

    def close(self):
        if self.alive():
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.output.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.truth_file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def true_rates(rows, begin, end):
    """(objects, bytes) per second that were leaked between two wall-clock times."""

    def at(when, key):
        before = [r for r in rows if r["wall"] <= when]
        after = [r for r in rows if r["wall"] > when]
        if not before:
            return rows[0][key]
        if not after:
            return rows[-1][key]
        a, b = before[-1], after[0]
        return a[key] + (b[key] - a[key]) * (when - a["wall"]) / (b["wall"] - a["wall"])

    span = end - begin
    return tuple((at(end, k) - at(begin, k)) / span for k in ("leaked_count", "leaked_bytes"))


@dataclasses.dataclass
class ToolRun:
    """The things that the tool left behind."""

    rc: int
    report: dict
    stdout: str
    stderr: str
    printed: list  # (seconds since start, line)
    usage: "Usage"  # where it was asked for
    recording: str = None  # what is recorded for tests/judge, with `make record`


def new_recording():
    """A file for this run's evidence, where `make record` wants it; else None."""
    where = os.environ.get("PYLEAK_TEST_RECORD")
    return where and os.path.join(where, "%d-%d.rec" % (os.getpid(), next(RECORDINGS)))


def recording_args(recording, args=()):
    """Where nothing is asked to be kept: into the folder of the tests that run now, which is kept when one of them fails."""
    where = os.environ.get("PYLEAK_TEST_TRACES")
    if not recording and where and not {"--record", "--children"} & set(args):
        recording = os.path.join(where, "%d.rec" % next(RECORDINGS))
    return ["--record", recording] if recording else []


def keep_recording(recording, name, classes, lines):
    """Into the corpus of tests/judge, with what is true: what the process may be called, and places (file:line) that may be
    called leaks."""
    if recording:
        sys.path.insert(0, os.path.join(TOP, "tests", "judge"))
        import corpus

        corpus.keep(TOOL, name, recording, {"classes": list(classes), "lines": sorted(lines)})


def keep_accepted(recording, name, report, classes=("leak", "growing")):
    """For tests that have looked at each site themselves: the lines called leaks are right."""
    sites = [s for s in report["processes"][0]["sites"] if s["verdict"] == "leak"]
    keep_recording(recording, name, classes, {innermost(s) for s in sites})


def innermost(site):
    """file:line of the innermost Python frame; of the innermost one, where none is of Python."""
    frames = [f for f in site["stack"] if f["lang"] == "python"] or site["stack"] or [{}]
    return "%s:%s" % (os.path.basename(frames[0].get("file") or "?"), frames[0].get("line"))


@functools.cache
def is_dear_host():
    """Does an event cost some 5 us, as under hypervisors without the processor's support, and not 0.6? Windows are fewer then."""
    said = subprocess.run([TOOL, "doctor"], capture_output=True, text=True, check=False, timeout=60).stdout
    return any(int(ns) > 2000 for ns in re.findall(r"(\d+) ns an event", said))


def said_by(tool):
    """All that a tool of run_tool has said so far."""
    with open("/proc/%d/fd/2" % tool.pid, encoding="utf-8", errors="replace") as f:
        return f.read()


def run_tool(pid, seconds=SECONDS, args=(), env=None, during=None, until=None, is_measured=False):
    """Runs the tool to its end. `during(process)` is called in this thread meanwhile. `until` (of until.py) ends it sooner.
    Its use of the host is measured if asked for."""
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "report.json")
        recording = new_recording()
        cmd = [TOOL, "-p", str(pid), "-d", str(seconds), "-i", str(INTERVAL_S), "--json", out,
               "--no-color", *recording_args(recording, args), *map(str, args)]  # fmt: skip
        start = time.monotonic()
        printed = []
        with tempfile.TemporaryFile("w+", errors="replace") as err:
            process = subprocess.Popen(
                cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True,
                errors="replace", env={**os.environ, **(env or {})})  # fmt: skip
            usage = Usage(process.pid) if is_measured else None
            if usage:
                usage.start()

            def read():
                for line in process.stdout:
                    printed.append((time.monotonic() - start, line.rstrip("\n")))
                    if until and until.hear(line):
                        process.send_signal(signal.SIGINT)

            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            if during:
                during(process)
            try:
                process.wait(seconds + 120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join(5)
            if usage:
                usage.stop.set()
                usage.join()
            err.seek(0)
            stderr = err.read()
        report = None
        if os.path.exists(out):
            with open(out) as f:
                report = json.load(f)
        text = "\n".join(line for _, line in printed)
        return ToolRun(process.returncode, report, text, stderr, printed, usage, recording)


def run_ready(command, ready, seconds=SECONDS, settle_s=0, env=None, args=()):
    """Starts a program, waits for the file by which it says that it runs, and watches it."""
    target = subprocess.Popen(command, env=env)
    try:
        wait_file(ready, target)
        time.sleep(settle_s)
        run = run_tool(target.pid, seconds, args)
        assert target.poll() is None, "the target died"
    finally:
        target.kill()
        target.wait()
    assert run.rc == 0, run.stderr
    assert not validate(run.report)
    print(run.stdout)
    return run


def validate(report):
    """Sentences about what is wrong with the report's form."""
    import jsonschema

    with open(SCHEMA) as f:
        schema = json.load(f)
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = ["schema: %s: %s" % ("/".join(map(str, e.absolute_path)), e.message[:120])
              for e in validator.iter_errors(report)]  # fmt: skip
    return errors[:3] + ["schema: %d errors more" % (len(errors) - 3)] * (len(errors) > 3)


def wall(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def blamed(site, program, path):
    """(file, line) that the site blames."""
    frames = [f for f in site["stack"] if f["lang"] == "python"]
    if program.through_library:
        frames = [f for f in frames if f["file"] == path] or frames
    return (frames[0]["file"], frames[0]["line"]) if frames else (None, None)


def wrong_sites(process, program, path):
    """Leak verdicts at lines that do not leak."""
    fine = program.guilty | program.grows
    sites = [s for s in process["sites"] if s["verdict"] == "leak"]
    return [b for b in (blamed(s, program, path) for s in sites) if b[0] != path or b[1] not in fine]


def seconds_to_line(printed, program):
    """When an interim report first had the right line in its first site."""
    wanted = ["%s.py:%d" % (program.name, n) for n in program.guilty]
    first = False
    for when, line in printed:
        if line.lstrip().startswith("#"):
            first = line.lstrip().startswith("#1 ")
        elif first and any(line.rstrip().endswith(w) or w + " " in line for w in wanted):
            return when
    return None


@dataclasses.dataclass
class Result:
    program: str
    python: str
    kernel: str
    problems: list
    first: str = ""
    verdict: str = ""
    count_ratio: float = None
    bytes_ratio: float = None
    samples: int = None
    seconds_to_line: float = None
    slowdown_pct: float = None
    coverage: float = None
    mechanism: str = ""
    lost: dict = dataclasses.field(default_factory=dict)
    true_per_s: float = None

    @property
    def ok(self):
        return not self.problems


def check_losses(process):
    lost = {k: v for k, v in process["lost"].items() if v}
    # Blocks that musl's malloc holds are not all found.
    allowed = {*LOST_ALLOWED, *(["census_malloc", "census_unsearched"] if "musl" in str(process["python"].get("build")) else [])}
    return lost, ["lost %s = %d" % kv for kv in lost.items() if kv[0] not in allowed]


def check_leak(result, process, target, report, program, want_rate):
    if not process["sites"]:
        result.problems.append("no site at all")
        return
    site = process["sites"][0]
    file, line = blamed(site, program, target.path)
    result.first = "%s:%s" % (os.path.basename(file or "?"), line)
    result.verdict = site["verdict"]
    result.samples = site["samples"]
    if file != target.path or line not in program.guilty:
        result.problems.append("first site is %s, not line %s" % (result.first, sorted(program.guilty)))
    count, nbytes = true_rates(target.truth(), wall(report["started_at"]), wall(report["ended_at"]))
    result.true_per_s = round(count, 1)
    if not want_rate or not count:
        return
    limit = 0.25 if (site["samples"] or 0) >= FEW_SAMPLES else 0.5
    pairs = [("count", site["growth_count_per_s"], count)]
    if program.bytes_known:
        pairs.append(("bytes", site["growth_bytes_per_s"], nbytes))
    for name, told, true in pairs:
        ratio = None if told is None else round(told / true, 3)
        setattr(result, name + "_ratio", ratio)
        if ratio is None or abs(ratio - 1) > limit:
            result.problems.append("%s rate is %s of the true one (%d samples)"
                                   % (name, ratio, site["samples"] or 0))  # fmt: skip


def judge(run, target, program, python_name, want_rate=True):
    """The whole comparison of one run with its truth."""
    result = Result(program.name, python_name, os.uname().release, [])
    if run.rc != 0:
        result.problems.append("exit %d: %s" % (run.rc, run.stderr.strip()[-300:]))
    if not target.alive():
        result.problems.append("the target died")
    elif foreign := lib_text.foreign_bytes(target.pid):
        result.problems.append("%d bytes of its text are not those of its files" % foreign)
    if not run.report:
        result.problems.append("no report")
        return result
    result.problems += validate(run.report)
    process = run.report["processes"][0]
    result.slowdown_pct = process["probe"]["slowdown_pct"]
    result.coverage = process["probe"]["coverage"]
    result.mechanism = process["probe"]["mechanism"]
    result.lost, bad = check_losses(process)
    result.problems += bad
    if program.leaks:
        check_leak(result, process, target, run.report, program, want_rate)
        result.seconds_to_line = seconds_to_line(run.printed, program)
    elif process["verdict"]["class"] == "leak":
        result.problems.append("an innocent process is called a leak")
    wrong = wrong_sites(process, program, target.path)
    result.problems += ["leak verdict at %s:%s" % (os.path.basename(f or "?"), n) for f, n in wrong]
    return result


def run_pair(python, program, seconds=SECONDS, args=(), until=None):
    """One cell of the matrix."""
    try:
        with Target(python, program.name, args) as target:
            target.wait_ready()
            time.sleep(1.0)
            run = run_tool(target.pid, max(seconds, program.seconds), until=until)
            result = judge(run, target, program, python.name)
            if result.ok:
                keep_cell(run, program, python)
            return result
    except Exception as e:  # one broken cell must not take the others with it
        return Result(program.name, python.name, os.uname().release, ["%s: %s" % (type(e).__name__, e)])


def keep_cell(run, program, python):
    lines = {"%s.py:%d" % (program.name, n) for n in program.guilty | program.grows}
    if program.through_library:
        # The innermost line is one of the standard library's; judge() has seen that ours called it.
        lines.add(innermost(run.report["processes"][0]["sites"][0]))
    classes = ("leak", "growing") if program.leaks else INNOCENT
    keep_recording(run.recording, "matrix-%s-%s" % (program.name, python.name), classes, lines)


HEADINGS = ("program", "python", "first site", "verdict", "rate", "bytes", "samples", "to line", "cost %", "")


def table(results):
    def cell(x):
        return "-" if x is None or x == "" else "%.2f" % x if isinstance(x, float) else str(x)

    rows = [HEADINGS]
    for r in sorted(results, key=lambda r: (r.python, r.program)):
        rows.append((r.program, r.python, cell(r.first), cell(r.verdict), cell(r.count_ratio),
                     cell(r.bytes_ratio), cell(r.samples), cell(r.seconds_to_line),
                     cell(r.slowdown_pct), "; ".join(r.problems)[:160] or "ok"))  # fmt: skip
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEADINGS) - 1)]
    lines = []
    for row in rows:
        lines.append("  ".join([c.ljust(w) for c, w in zip(row, widths)] + [row[-1]]).rstrip())
    times = sorted(r.seconds_to_line for r in results if r.seconds_to_line is not None)
    if times:
        lines.append("time to the right line: median %.1f s, worst %.1f s, of %d runs"
                     % (times[len(times) // 2], times[-1], len(times)))  # fmt: skip
    return "\n".join(lines)


def row(result):
    """One line of JSON, for the table at the end."""
    return json.dumps(dataclasses.asdict(result))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sweep` finds the leaking ones among many Pythons of several versions, and no other."""
import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time

import harness
import pytest
import pythons
import tool_usage

# Objects made by Python code and by C code, memory of C code that no Python object holds, blocks that are too large for
# pools, frames that never end, cycles nobody collects.
LEAKS = ("dicts", "str_split", "ctypes_malloc", "bytes100k", "coroutine", "cases/cycles_gc_off")
IDLE = "import time, json\nkeep = [{'n': n} for n in range(2000)]\nwhile True:\n time.sleep(0.2); json.loads('[1, 2]')\n"
MARK = "pyleak-sweep-%d" % os.getpid()  # others may run the same test
LATE_MARK = "pyleak-late-%d" % os.getpid()


def sweep(*args, timeout=240):
    return subprocess.run([harness.TOOL, "sweep", "--no-color", *map(str, args)], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)  # fmt: skip


def measured_sweep(*args, until=None, then=None, limit_s=300):
    """A sweep, what it cost itself, and after how many seconds an interim report matched @until. That ends it; or then() ends
    processes, and it goes on until it has told of so many ends as that says."""
    tool = subprocess.Popen([harness.TOOL, "sweep", "--no-color", *map(str, args)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    usage = tool_usage.Usage(tool.pid)
    usage.start()
    killer = threading.Timer(limit_s, tool.kill)
    killer.start()
    begin, lines, seen_s, ends = time.monotonic(), [], None, 0
    try:
        for line in tool.stdout:
            lines.append(line)
            if until and seen_s is None and re.search(until, line):
                seen_s = time.monotonic() - begin
                if then:
                    ends = then()
                else:
                    tool.send_signal(signal.SIGINT)
            elif ends and "has ended" in line:
                ends -= 1
                if not ends:
                    tool.send_signal(signal.SIGINT)
        err = tool.stderr.read()
        tool.wait()
    finally:
        killer.cancel()
        tool.kill()
        usage.stop.set()
        usage.join()
    return subprocess.CompletedProcess(tool.args, tool.returncode, "".join(lines), err), usage, seen_s


def idle(python, mark=MARK):
    """An innocent one, named by a word of its command line that no other process has."""
    command = [python.path, "-c", IDLE, mark]
    return subprocess.Popen((["chroot", python.root] if python.root else []) + command, stdin=subprocess.DEVNULL)


@pytest.fixture(name="innocent", scope="module")
def innocent_fixture(full):
    """Innocent ones of every version: their pids."""
    versions = [pythons.host(), *pythons.debian_roots()]
    children = [idle(versions[n % len(versions)]) for n in range(194 if full else len(versions))]
    try:
        yield {c.pid for c in children}
    finally:
        for child in children:
            child.kill()
            child.wait()


@pytest.fixture(name="leaking")
def leaking_fixture(full):
    """Leaking ones, each by other means and in core two of them, on one version after the other: targets by pid."""
    versions = [pythons.host(), *pythons.debian_roots()]
    for python in versions:
        pythons.install_zoo(python)
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(harness.Target(versions[n % len(versions)], name, ["--seconds", 900, *harness.GENTLE]))
                   for n, name in enumerate(LEAKS if full else LEAKS[1:3])]  # fmt: skip
        for target in targets:
            target.wait_ready()
        yield {t.pid: t for t in targets}


def test_the_leaking_ones_are_found(innocent, leaking, tmp_path, full):
    """They end when they have been told of: they count, and are told of at the end."""
    path = tmp_path / "sweep.json"

    def end():
        for target in leaking.values():
            target.process.kill()
            target.process.wait()
        return len(leaking)

    # Other programs of this machine are none of this test's business.
    wanted = "|".join([MARK, *(re.escape(t.truth_file.rpartition("/")[2]) for t in leaking.values())])
    # On a machine that others use too it takes as long as it takes; two minutes are what it is to take alone.
    run, usage, seen_s = measured_sweep("-d", 280, "-i", 5, "--fail-on", "leak", "--name", wanted, "--json", path,
                                        until=r"Python processes: %d leak" % len(leaking), then=end)  # fmt: skip
    assert run.returncode == 3, run.stdout[-3000:] + run.stderr
    report = json.loads(path.read_text())
    found = {p["pid"]: p for p in report["processes"]}
    assert set(found) == innocent | set(leaking)
    said = {pid for pid in found if found[pid]["verdict"]["class"] == "leak"}
    told = [(found[p]["cmdline"], found[p]["verdict"]) for p in said ^ set(leaking)]
    assert said == set(leaking), told
    for pid, target in leaking.items():
        site = found[pid]["sites"][0]
        assert any(f.get("file") == target.path for f in site["stack"]), site["stack"]
        assert found[pid]["mode"] == "auto"
    assert {found[pid]["mode"] for pid in innocent} == {"growth"}
    assert {pid for pid in found if found[pid]["state"] == "exited"} == set(leaking)
    final = run.stdout[run.stdout.rindex("Python processes: ") :]
    assert final.startswith("Python processes: %d leak" % len(leaking)) and "steady" in final and "has ended" in final, final
    print("%d processes, %d leak, found in %.0f s: %.1f %% of a core, %.0f MB" % (
        len(found), len(leaking), seen_s, 100 * usage.cpu_share(10), usage.rss_kib * 1.024e-3))  # fmt: skip
    assert not full or seen_s < 120
    assert usage.rss_kib * 1024 < 120e6


@pytest.mark.calm
def test_what_does_not_grow_costs_little(innocent, full):
    """Nobody is suspected: no probes, only the rounds over all."""
    time.sleep(1)  # they have come to be what they are
    with tool_usage.ColdPages(min(innocent)) as cold:
        cold.measure()
        run, usage, _ = measured_sweep("-d", 60 if full else 20, "-q", "-v", "--name", MARK)
        cold.measure()
    assert run.returncode == 0 and "%d steady" % len(innocent) in run.stdout, run.stdout[:200]
    # Behind the first look at everybody, which reads the symbols of each interpreter and takes some seconds where
    # pages are dear, and the first rounds, which read all pools.
    cpu = usage.cpu_share(30 if full else 12)
    reads = usage.reads_per_s(30 if full else 12)
    print("%d processes: %.2f %% of a core, %.0f reads/s, %.0f MB; %.1f us for a cold page" % (
        len(innocent), 100 * cpu, reads, usage.rss_kib * 1.024e-3, cold.us()))  # fmt: skip
    assert 0 < reads < 100 * len(innocent)
    assert cpu < 0.02 * tool_usage.dearness(cold)


def test_selection():
    child = idle(pythons.host())
    try:
        time.sleep(1)
        options = (["-v", "--user", "root"], ["--user", "65534"], ["--min-rss", "10G"], ["--min-age", 86400])
        with concurrent.futures.ThreadPoolExecutor(len(options)) as pool:
            chosen, *others = pool.map(lambda more: sweep("-d", 4, "-q", "--name", MARK, *more), options)
    finally:
        child.kill()
        child.wait()
    assert chosen.returncode == 0 and "pid %d " % child.pid in chosen.stdout
    for none in others:
        assert none.returncode == 0 and "0 Python processes" in none.stdout


# Each waits for a line, and is a wanted Python only then: another program, itself once more, one that writes its command
# line over.
LATE = {
    "execed": ["sh", "-c", "read x; exec %s -c '%s' %s" % (pythons.HOST, IDLE.replace("'", '"'), LATE_MARK)],
    "restarted": [pythons.HOST, "-c", "import os, sys; input()\n"
                  "os.execv(sys.executable, [sys.executable, '-c', %r, %r])" % (IDLE, LATE_MARK), LATE_MARK],
    "renamed": [pythons.HOST, "-c", "name = input().encode(); f = open('/proc/self/mem', 'r+b', 0)\n"
                "f.seek(int(open('/proc/self/stat').read().rpartition(')')[2].split()[45])); f.write(name); input()"],
}  # fmt: skip


def watched_late(begin, seconds, name=LATE_MARK):
    """The pids in the report of a sweep that had looked at every process when begin(tool) was called."""
    tool = subprocess.Popen([harness.TOOL, "sweep", "-d", str(seconds), "--json", "-", "--name", name], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert "watching" in tool.stderr.readline()
    begin(tool)
    out, _ = tool.communicate(timeout=120)
    processes = json.loads(out)["processes"]
    # Growth that is not known yet is not said to be 0.
    assert all(p["memory"]["rss_growth_bytes_per_s"] is None for p in processes if "too few" in p["verdict"]["reason"])
    return [p["pid"] for p in processes]


def leave_descriptors(tool, n):
    """It may open no more than that; returns its limits of before."""
    free = next(k for k in range(100) if not os.path.exists("/proc/%d/fd/%d" % (tool.pid, k)))
    limits = resource.prlimit(tool.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(tool.pid, resource.RLIMIT_NOFILE, (free + n, limits[1]))
    return limits


def test_what_becomes_a_wanted_python_later():
    """And, behind those, a new one that comes when the sweep can list processes, but not open them: a look that failed is
    repeated."""
    children = {k: subprocess.Popen(v, stdin=subprocess.PIPE) for k, v in LATE.items()}

    def go(tool):
        for child in children.values():
            child.stdin.write(LATE_MARK.encode() + b"\n")
            child.stdin.flush()
        time.sleep(6)
        limits = leave_descriptors(tool, 2)
        children["new"] = idle(pythons.host(), LATE_MARK)
        time.sleep(7)
        resource.prlimit(tool.pid, resource.RLIMIT_NOFILE, limits)

    try:
        time.sleep(1)
        assert sorted(watched_late(go, 24)) == sorted(c.pid for c in children.values())
    finally:
        for child in children.values():
            child.kill()
            child.communicate()


def test_why_no_line_is_known():
    pythons.install_zoo(pythons.host())
    with harness.Target(pythons.host(), "dicts", ["--seconds", 900, *harness.GENTLE]) as target:
        target.wait_ready()
        name = target.truth_file.rpartition("/")[2]
        tool = subprocess.Popen([harness.TOOL, "sweep", "-i", "3", "--no-color", "--name", name], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        with tool:
            assert "watching 1 " in tool.stderr.readline()
            leave_descriptors(tool, 6)
            killer = threading.Timer(120, tool.kill)
            killer.start()
            assert any("cannot be probed: " in line for line in tool.stdout)
            killer.cancel()
            tool.kill()


def interrupted_at_once():
    tool = subprocess.Popen([harness.TOOL, "sweep"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def listens():
        with open("/proc/%d/status" % tool.pid) as f:
            caught = next(line for line in f if line.startswith("SigCgt:"))
        return int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1

    harness.wait_until(listens, 20, 0.001)
    tool.send_signal(signal.SIGINT)
    out, _ = tool.communicate(timeout=60)
    return tool.returncode, out


def test_interrupted_before_anything_was_read():
    """On a machine that others use too a round may be over before the signal is sent: then there is a report."""
    runs = [interrupted_at_once() for _ in range(5)]
    assert (130, "") in runs
    assert all(run == (130, "") or (run[0] == 0 and "0 Python processes" not in run[1]) for run in runs), runs


def test_files_are_written_where_standard_output_is_full(tmp_path):
    path = tmp_path / "sweep.json"
    with open("/dev/full", "w") as full:
        run = subprocess.run([harness.TOOL, "sweep", "-i", "3", "-d", "60", "--name", "no-such-process", "--json", path], stdout=full,
                             stderr=subprocess.PIPE, text=True, timeout=50, stdin=subprocess.DEVNULL)  # fmt: skip
    assert run.returncode == 1 and "No space left" in run.stderr
    assert json.loads(path.read_text())["processes"] == []


def test_it_ends_when_its_reader_leaves(tmp_path):
    path = tmp_path / "sweep.json"
    tool = subprocess.Popen([harness.TOOL, "sweep", "-i", "2", "--name", "no-such-process", "--json", path], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    try:
        assert tool.stdout.readline()
        tool.stdout.close()
        assert tool.wait(30) == 0
    finally:
        tool.kill()
        tool.wait()
    assert json.loads(path.read_text())["processes"] == []


@pytest.mark.parametrize("args,says", [(["--name", "("], "--name"), (["--user", "no such user"], "no such user"),
                                       (["--json", ""], "--json"), (["--fail-on", "x"], "leak")])  # fmt: skip
def test_bad_usage(args, says):
    run = sweep(*args)
    assert (run.returncode, run.stdout) == (2, "")
    assert says in run.stderr and run.stderr.count("\n") == 1


def test_processes_that_come_and_go(tmp_path, full):
    """Short-lived ones in between: nothing is left, nothing goes wrong. Other tests' programs are left alone."""
    path, mark = tmp_path / "sweep.json", "pyleak-brief-%d" % os.getpid()
    options = ["-d", "15" if full else "8", "-q", "--name", mark, "--json", path]
    tool = subprocess.Popen([harness.TOOL, "sweep", *options], stdin=subprocess.DEVNULL)
    while tool.poll() is None:
        subprocess.run([pythons.HOST, "-S", "-c", "import time; time.sleep(0.05)", mark], check=True)
        time.sleep(0.1)
    assert tool.returncode == 0
    assert "processes" in json.loads(path.read_text())

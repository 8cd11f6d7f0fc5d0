# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starting, stopping and killing the tool under full load leaves the target and the kernel as found."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

import harness
import pythons
import zoo

MAX_STALL_S = 0.25
BPFTOOL = shutil.which("bpftool") or "/usr/sbin/bpftool"


def tracefs_left():
    """Probe definitions of tools that are no more; those of running ones are their own affair."""
    left = set()
    for base in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        if not os.path.exists(base + "/uprobe_events"):
            continue
        with open(base + "/uprobe_events") as f:
            for line in f:
                owner = re.match(r"[pr]\S*:pyleak_(\d+)", line)
                if owner and not os.path.exists("/proc/" + owner.group(1)):
                    left.add(line.split()[0])
        break
    return left


def kernel_ids(kind):
    out = subprocess.run([BPFTOOL, "-j", kind, "show"], capture_output=True, check=True).stdout
    return {x["id"] for x in json.loads(out)}


def object_ids(pid):
    """(kind, id) of the BPF programs, maps and links that a process holds."""
    found = set()
    try:
        for fd in os.listdir("/proc/%d/fdinfo" % pid):
            try:
                with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
                    for line in f:
                        key, _, value = line.partition(":")
                        if key in ("prog_id", "map_id", "link_id"):
                            found.add((key[:-3], int(value)))
            except OSError:
                continue
    except OSError:
        pass
    return found


def left_over(seen):
    # Freeing is asynchronous (RCU): give it a moment, not forever.
    for _ in range(40):
        left = {x for kind in {k for k, _ in seen} for x in seen & {(kind, n) for n in kernel_ids(kind)}}
        if not left:
            return left
        time.sleep(0.1)
    return left


class Stats:
    def __init__(self, path):
        self.path = path

    def rows(self):
        with open(self.path) as f:
            return [json.loads(x) for x in f if x.endswith("\n")]

    def worst_gap(self, begin):
        return max((r["worst_gap_s"] for r in self.rows() if r["t"] > begin), default=0.0)


@pytest.fixture(scope="module")
def storm(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("storm") / "stats")
    with harness.Target(pythons.host(), "storm", ["--stats", path, "--seconds", 3600]) as target:
        target.wait_ready()
        time.sleep(1)
        target.stats = Stats(path)
        target.quiet_gap = target.stats.worst_gap(0)
        yield target


def start(target):
    return subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-q", "--no-color"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)  # fmt: skip


def check_target(target, begin):
    time.sleep(0.5)
    assert target.alive(), "the target died"
    rows = target.stats.rows()
    assert rows[-1]["wrong"] == 0, "the target computed wrong sums"
    assert time.monotonic() - rows[-1]["t"] < 2.0, "the target makes no progress"
    worst = target.stats.worst_gap(begin)
    print("longest stall %.0f ms (before: %.0f ms)" % (worst * 1e3, target.quiet_gap * 1e3))
    assert worst <= MAX_STALL_S


def one_clean_run(target):
    return subprocess.run([harness.TOOL, "-p", str(target.pid), "-q", "-d", "1"], timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode  # fmt: skip


def stop(tool, number, n):
    tool.send_signal(number)
    _, err = tool.communicate(timeout=30)
    # A stop before the handlers are in place is the shell's affair: killed by the signal.
    assert tool.returncode in (0, 130, -signal.SIGINT, -signal.SIGTERM), (n, tool.returncode, err)
    return tool.returncode


def kill(tool):
    tool.kill()
    tool.communicate(timeout=30)
    return tool.returncode


@pytest.mark.quiet
def test_stopped_and_killed(storm, full):
    """In turn. The guardian outlives the tool and removes its definitions: after them an ordinary run comes to its end."""
    seen, codes, before = set(), set(), tracefs_left()
    begin = time.monotonic()
    rng = random.Random(4)
    for n in range(300 if full else 6):
        tool = start(storm)
        # The core set has each before there are probes, while they go in, and behind that.
        time.sleep(rng.uniform(0.05, 2.5) if full else (0.2, 1.0, 2.2)[n // 2])
        seen |= object_ids(tool.pid)
        codes.add(kill(tool) if n % 2 else stop(tool, rng.choice((signal.SIGINT, signal.SIGTERM)), n))
        assert storm.alive()
    print("exit codes", codes, "objects seen", len(seen))
    assert one_clean_run(storm) == 0
    check_target(storm, begin)
    assert tracefs_left() <= before
    assert seen and left_over(seen) == set()


def test_interrupted_twice():
    with harness.Target(pythons.host(), "dicts", harness.GENTLE) as target:
        target.wait_ready()
        tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-q"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        time.sleep(3)
        tool.send_signal(signal.SIGINT)
        tool.send_signal(signal.SIGTERM)  # two of a kind would be one while the first is pending
        out, err = tool.communicate(timeout=30)  # less than the guardian is waited for
    assert (tool.returncode, out) == (130, "")
    assert err.endswith("pyleak-bpf: interrupted twice: the last report is left out\n")


def test_target_ends_first():
    with harness.Target(pythons.host(), "dicts", ["--seconds", 12, *harness.GENTLE]) as target:
        target.wait_ready()
        path = target.path
        run = harness.run_tool(target.pid, 60)
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    assert process["state"] == "exited"
    program = zoo.PROGRAMS["dicts"]
    file, line = harness.blamed(process["sites"][0], program, path)
    assert (file, line in program.guilty) == (path, True)


def watch_without(name, after_s, seconds, args=()):
    """Watches a leaking program, and kills one of the tool's own processes meanwhile."""
    code = "import time\nkept = []\nwhile True:\n    kept.append({1: 2})\n    time.sleep(0.01)"

    def kill(tool):
        if "-q" not in args:
            harness.wait_until(lambda: "first report in" in harness.said_by(tool), pause=0.1)
        time.sleep(after_s)
        os.kill(harness.helper(tool.pid, name), signal.SIGKILL)

    with subprocess.Popen([pythons.HOST, "-c", code]) as target:
        try:
            return harness.run_tool(target.pid, seconds, args, during=kill)
        finally:
            target.kill()


def test_the_holder_of_probes_ends():
    """Its probes go with it, those that stayed in, too: the time after is not called watched."""
    run = watch_without("pyleak-probes", 4, 14)
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    ended = [note for note in process["notes"] if "(pyleak-probes) has ended: start again" in note]
    assert any(note.startswith("births are not watched any more, only growth is") for note in ended), process["notes"]
    assert process["probe"]["coverage"] < 0.5 and not process["lost"]["stood_still"], process


def test_the_one_that_asks_storage_ends():
    """It is said once, with -q too, as much may be refused from then on."""
    run = watch_without("pyleak-storage", 3, 8, ["-q"])
    assert run.rc == 0 and run.report, run.stderr
    assert run.stderr.count("(pyleak-storage) has ended") == 1, run.stderr


@pytest.mark.parametrize("signals", [0, 1, 2], ids=["by itself", "Ctrl-C", "Ctrl-C twice"])
def test_a_stopped_holder_of_probes_is_named(signals):
    """The tool that waits for it says so, and what to do; then it ends as ever."""

    def stop(tool):
        guardian = harness.helper(tool.pid, "pyleak-probes")
        time.sleep(3)
        os.kill(guardian, signal.SIGSTOP)
        try:
            for _ in range(signals):
                tool.send_signal(signal.SIGINT)
                time.sleep(0.5)
            harness.wait_until(lambda: "kill -CONT %d\n" % guardian in harness.said_by(tool), 20)
        finally:
            os.kill(guardian, signal.SIGCONT)

    code = "import time\nkept = []\nwhile True:\n    kept.append({1: 2})\n    time.sleep(0.01)"
    with subprocess.Popen([pythons.HOST, "-c", code]) as target:
        try:
            run = harness.run_tool(target.pid, 100 if signals else 5, during=stop)
        finally:
            target.kill()
    assert run.rc == (130 if signals == 2 else 0), run.stderr
    assert run.stderr.count("kill -CONT") == 1


def test_exec_by_the_target():
    code = "import os, time, sys\ntime.sleep(4)\nos.execv('/bin/sleep', ['sleep', '30'])"
    p = subprocess.Popen([pythons.HOST, "-c", code])
    try:
        time.sleep(0.5)
        run = harness.run_tool(p.pid, 25)
        assert run.rc == 0, run.stderr
        assert run.report is not None and p.poll() is None
    finally:
        p.kill()
        p.wait()

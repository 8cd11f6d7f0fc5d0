# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Many threads, a busy machine, a stopped target, and what the tool itself costs then."""
import os
import signal
import subprocess
import sys
import time

import pytest

import harness
import lib_groups
import pythons
import tool_usage
import zoo

FORK_STORM = """
import os
while True:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
"""


def check(run, target, program, want_rate=False):
    result = harness.judge(run, target, program, "debian-3.11", want_rate)
    print(harness.table([result]))
    assert result.ok, result.problems
    return result


@pytest.mark.quiet  # these load the machine, or are about a loaded one
@pytest.mark.matrix
@pytest.mark.parametrize("threads", [2, 4, 8, 64])
def test_threads(threads):
    with harness.Target(pythons.host(), "storm", ["--threads", threads, "--rate", 487]) as target:
        target.wait_ready()
        time.sleep(1)
        run = harness.run_tool(target.pid)
        check(run, target, zoo.STORM)


@pytest.mark.quiet
@pytest.mark.matrix
def test_fork_storm_beside():
    storms = [subprocess.Popen([sys.executable, "-c", FORK_STORM]) for _ in range(2)]
    try:
        with harness.Target(pythons.host(), "dicts") as target:
            target.wait_ready()
            check(harness.run_tool(target.pid), target, zoo.PROGRAMS["dicts"])
    finally:
        for s in storms:
            s.kill()
            s.wait()


@pytest.mark.quiet
@pytest.mark.matrix
def test_starved():
    """The tool runs for 50 ms of each 300: what it does is late, not left out."""

    def during(tool):
        time.sleep(3)  # the kernel gives up checking a program for a caller that is stopped over and over
        harness.throttle(tool, 0.25, 0.05, harness.SECONDS)

    with harness.Target(pythons.host(), "ctypes_malloc") as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, during=during)
        result = harness.judge(run, target, zoo.PROGRAMS["ctypes_malloc"], "debian-3.11", False)
    # A window that is open meanwhile has more calls than the ring has room for.
    assert [p for p in result.problems if not p.startswith("lost ring_full")] == []


def test_tool_stands_still():
    """Half of its time without a reading: what it read before and after tells the same growth."""

    def during(tool):
        time.sleep(6)
        os.kill(tool.pid, signal.SIGSTOP)
        time.sleep(10)
        os.kill(tool.pid, signal.SIGCONT)

    with harness.Target(pythons.host(), "bytes100k", harness.GENTLE) as target:
        target.wait_ready()
        # At the default few of 70 births a second are seen in what is left of the time.
        run = harness.run_tool(target.pid, 28, ("--overhead", 10), during=during)
        process = run.report["processes"][0]
        print(run.stdout)
        assert process["verdict"]["class"] in ("leak", "growing")
        told = process["memory"]["rss_growth_bytes_per_s"]
        assert told == pytest.approx(process["sites"][0]["growth_bytes_per_s"], rel=0.25)


def stands_still(target, stop):
    """The target does nothing for 20 of 36 s: its lines are found all the same, with their rates."""

    def during(_):
        time.sleep(6)
        stop(True)
        time.sleep(20)
        stop(False)

    run = harness.run_tool(target.pid, 36, during=during)
    check(run, target, zoo.PROGRAMS["dicts"])
    assert "the process was found stopped" in run.stdout


@pytest.mark.quiet
@pytest.mark.matrix
def test_stopped_for_20_s():
    with harness.Target(pythons.host(), "dicts") as target:
        target.wait_ready()
        stands_still(target, lambda on: os.kill(target.pid, signal.SIGSTOP if on else signal.SIGCONT))


@pytest.mark.quiet
@pytest.mark.matrix
@pytest.mark.skipif(2 not in lib_groups.versions("freezer"), reason="no control groups of version 2 here")
def test_frozen_for_20_s():
    with lib_groups.Group("freezer", "target", 2) as group, harness.Target(pythons.host(), "dicts") as target:
        group.enter(target.pid)
        target.wait_ready()
        stands_still(target, group.freeze)


# Done once, whenever enough survivors have been seen: 14,000 and 11,000 reads. The tool's debug log has these when it is over.
ONCE = ("its paths part", "what Python calls functions in C is known")


def has_started(tool):
    with open("/proc/%d/fd/2" % tool.pid) as log:
        text = log.read()
    return all(words in text for words in ONCE)


@pytest.mark.quiet
def test_cost_of_the_tool():
    """On more than five million births a second: <= 60 MB, maps <= 32 MiB, <= 8000 reads a second, <= 3 % of a core, more where
    the same work is dearer. The first looks at what holds the objects, and the names of C functions, are of its start."""
    after_s = [8.0]

    def during(tool):
        begin = time.monotonic()
        harness.wait_until(lambda: has_started(tool))
        after_s.append(time.monotonic() - begin)
        time.sleep(max(after_s) - after_s[-1] + 9)
        tool.send_signal(signal.SIGINT)

    with harness.Target(pythons.host(), "storm", ["--rate", 487]) as target:
        target.wait_ready()
        with tool_usage.ColdPages(target.pid) as cold:
            cold.measure()
            run = harness.run_tool(target.pid, 300, ("-v", "-v"), during=during, is_measured=True)
            cold.measure()
        usage, after = run.usage, max(after_s)
        cpu, total, reads = usage.cpu_share(after), usage.cpu_share(), usage.reads_per_s(after)
        print("tool: rss %.1f MiB, cpu %.2f %% of a core after %.1f s (%.2f %% with start-up), %.0f reads/s, maps %.1f MiB; "
              "%.1f us for a cold page" % (usage.rss_kib / 1024, 100 * cpu, after, 100 * total, reads,
                                           usage.map_bytes() / 2**20, cold.us()))  # fmt: skip
        check(run, target, zoo.STORM)
        assert usage.rss_kib * 1024 <= 60e6
        assert 0 < reads <= 8000
        assert cpu <= 0.03 * tool_usage.dearness(cold)
        assert 0 < usage.map_bytes() <= 32 * 2**20

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Limits: when the process is killed, a limit that moves, files that cannot be read."""
import ctypes
import json
import os
import re
import resource
import subprocess
import time

import pytest

import cgroup
import harness
import needs
import pythons
from until import Until

MIB = 1 << 20
REFUSES = re.compile("at this rate allocations fail in .*RLIMIT_AS")
RESOLUTION_S = 2.0  # memory is read once a second, and the report takes a moment
# Its memory is what matters, which grows by the clock: requests take little of a core.
IDLE = ("--pause", "0.05")


LIMIT = 72 * MIB


def killed_as_told():
    """One run: the leaking program is watched for a while, and then left to its fate."""
    with cgroup.group("eta") as g:
        g.limit(LIMIT)

        def enter():
            g.enter()
            os.nice(-10)  # a pace that others' work does not change

        # 2 MiB a second, by the clock
        with harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=enter) as target:
            target.wait_ready()
            run = harness.run_tool(target.pid, 14)
            assert run.rc == 0, run.stderr
            assert not harness.validate(run.report)
            target.process.wait(120)
            died = time.time()
            assert target.process.returncode == -9
    memory = run.report["processes"][0]["memory"]
    told = harness.wall(run.report["ended_at"])
    print("killed after %.1f s, told %s s (%s - %s)" % (died - told, memory["oom_eta_s"],
          memory["oom_eta_low_s"], memory["oom_eta_high_s"]))  # fmt: skip
    assert memory["limit_source"] == "cgroup" and memory["limit_bytes"] == LIMIT
    assert memory["limit_name"].endswith(os.path.basename(g.path))
    assert "at this rate killed in" in run.stdout and "limit 72.0 MiB" in run.stdout
    assert memory["oom_eta_low_s"] < memory["oom_eta_s"] < memory["oom_eta_high_s"]
    # An interval that is right because it holds everything says nothing.
    assert memory["oom_eta_high_s"] < 2 * memory["oom_eta_low_s"] + 10
    return memory["oom_eta_low_s"] - RESOLUTION_S <= died - told <= memory["oom_eta_high_s"] + RESOLUTION_S


# Swap is room, too: never while the tests that switch some on do.
@pytest.mark.xdist_group("safety/test_reads.py")
def test_killed_when_it_was_told():
    assert killed_as_told()


@pytest.mark.matrix
@pytest.mark.quiet
def test_the_interval_is_right_in_nine_runs_of_ten():
    assert sum(killed_as_told() for _ in range(10)) >= 9


@pytest.mark.xdist_group("safety/test_reads.py")
def test_limit_that_is_changed_while_watching(tmp_path):
    """Lowered when the tool has said the first one; and again when it has said the change, until the kernel kills."""
    change = "the limit was changed while watching, from 512 MiB to 256 MiB"
    out = tmp_path / "report.json"
    with cgroup.group("move") as g:
        g.limit(512 * MIB)
        with harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=g.enter) as target:
            target.wait_ready()
            tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-i", "1", "-d", "60", "--no-color", "--json", out],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
            try:
                said, lowered, told = "", False, False
                for line in tool.stdout:
                    said += line
                    if "limit 512 MiB" in line and not lowered:
                        g.limit(256 * MIB)
                        lowered = True
                    if change in line and not told:
                        assert target.alive()
                        g.limit(g.usage() + 4 * MIB)
                        told = True
                assert lowered and told
                assert tool.wait(60) == 0
            finally:
                tool.kill()
                tool.wait()
                tool.stdout.close()
            target.process.wait(10)
            assert target.process.returncode == -9
    process = json.loads(out.read_text())["processes"][0]
    assert process["state"] == "exited" and process["memory"]["cgroup"]["oom_kills"] == 1
    assert re.search(r"the kernel killed in the memory group of the process \(.*%s\)" % os.path.basename(g.path), said), said


# A container's: its own group is the root of what it sees of cgroups.
OWN_VIEW = {"with the host's mounts": "",
            "with mounts of its own": 'umount "$1" && mount -t $2 %s none "$1" && '}  # fmt: skip
CLONE_NEWNS = 0x20000


def memory_seen_from_another_container(theirs, view, *targets):
    """By pid; the tool is in a cgroup namespace that does not have their groups."""
    kind, options = ("cgroup2", "") if theirs.version == 2 else ("cgroup", "-o memory")
    script = OWN_VIEW[view].replace("%s", options) + 'shift 2 && exec "$@"'
    with cgroup.group("ours") as ours:
        r = subprocess.run(
            ["unshare", "-C", "-m", "sh", "-c", script, "sh", os.path.dirname(theirs.path), kind,
             harness.TOOL, "-p", ",".join(str(t.pid) for t in targets), "-d", "2", "-q", "--no-color", "--json", "-"],
            capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, preexec_fn=ours.enter)  # fmt: skip
    assert all(t.alive() for t in targets)
    assert r.returncode == 0, r.stderr
    return {p["pid"]: p["memory"] for p in json.loads(r.stdout)["processes"]}


def test_limit_of_a_target_in_another_container(tmp_path):
    """Where no mount of the tool shows the group, the target's do. A FIFO that a container put in the place of the limit's file
    would let whoever opens it wait for ever."""
    needs.mount_namespace()
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    with cgroup.group("theirs") as theirs, cgroup.group("covered") as covered:
        theirs.limit(512 * MIB)
        covered.limit(512 * MIB)

        def cover():
            covered.enter()
            assert not ctypes.CDLL(None).unshare(CLONE_NEWNS)
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            subprocess.run(["mount", "--bind", fifo, covered.limit_file], check=True)

        with (harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=theirs.enter) as open_one,
              harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=cover) as closed_one):  # fmt: skip
            open_one.wait_ready()
            closed_one.wait_ready()
            by_hosts = memory_seen_from_another_container(theirs, "with the host's mounts", open_one)
            by_own = memory_seen_from_another_container(theirs, "with mounts of its own", open_one, closed_one)
    for memory in (by_hosts[open_one.pid], by_own[open_one.pid]):
        assert (memory["limit_source"], memory["limit_bytes"]) == ("cgroup", 512 * MIB)
    assert by_own[closed_one.pid]["limit_source"] != "cgroup"


def test_cgroup_file_that_makes_no_sense(tmp_path):
    """The kernel writes no such thing, a container's own view of /sys may."""
    needs.mount_namespace()
    odd = tmp_path / "odd"
    odd.write_text("a lot\n")
    with cgroup.group("odd") as g:
        g.limit(512 * MIB)
        with harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=g.enter) as target:
            target.wait_ready()
            r = subprocess.run(
                ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
                 str(odd), g.limit_file, harness.TOOL, "-p", str(target.pid), "-d", "2", "-q", "--no-color"],
                capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)  # fmt: skip
            assert target.alive()
    assert r.returncode == 0, r.stderr
    assert re.search("the cgroup's limit is not known for sure: .*%s cannot be read" % re.escape(
        os.path.basename(g.limit_file)), r.stdout.replace("\n", " ")), r.stdout  # fmt: skip


def test_address_space_limit_is_told_as_refusing():
    """By a tool that a job has started that yields to all: a read holds a lock of the target, and at the rank of an idle job
    it would wait for a processor with it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = {}

    def tight():
        resource.setrlimit(resource.RLIMIT_AS, (300 * MIB, 300 * MIB))

    def as_before():
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def look(process):
        as_before()
        harness.wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) < 0, 10, 0.05)
        time.sleep(1)
        seen["policy"] = os.sched_getscheduler(process.pid)
        seen["files"] = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)

    with harness.Target(pythons.host(), "bytes4k", IDLE, preexec_fn=tight) as target:
        target.wait_ready()
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
            run = harness.run_tool(target.pid, 12, during=look, until=Until(REFUSES.search, 2))
        finally:
            as_before()
        assert target.alive()
    assert run.rc == 0, run.stderr
    assert seen == {"policy": os.SCHED_OTHER, "files": (limits[1], limits[1])}
    memory = run.report["processes"][0]["memory"]
    assert (memory["limit_source"], memory["limit_name"]) == ("rlimit", "RLIMIT_AS")
    assert memory["limit_bytes"] == 300 * MIB
    assert REFUSES.search(run.stdout)
    assert memory["oom_eta_s"] > 0
    row = memory["series"][-1]
    assert row["fds"] >= 3 and row["anon_bytes"] > MIB and row["swap_bytes"] is not None

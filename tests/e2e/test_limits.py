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

MIB = 1 << 20
RESOLUTION_S = 2.0  # memory is read once a second, and the report takes a moment


def killed_as_told():
    """One run: the leaking program is watched for a while, and then left to its fate."""
    with cgroup.group("eta") as g:
        g.limit(96 * MIB)

        def enter():
            g.enter()
            os.nice(-10)  # a pace that others' work does not change

        # 2 MiB a second, by the clock
        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=enter) as target:
            target.wait_ready()
            run = harness.run_tool(target.pid, 18)
            assert run.rc == 0, run.stderr
            assert not harness.validate(run.report)
            target.process.wait(120)
            died = time.time()
            assert target.process.returncode == -9
    memory = run.report["processes"][0]["memory"]
    told = harness.wall(run.report["ended_at"])
    print("killed after %.1f s, told %s s (%s - %s)" % (died - told, memory["oom_eta_s"],
          memory["oom_eta_low_s"], memory["oom_eta_high_s"]))  # fmt: skip
    assert memory["limit_source"] == "cgroup" and memory["limit_bytes"] == 96 * MIB
    assert memory["limit_name"].endswith(os.path.basename(g.path))
    assert "at this rate killed in" in run.stdout and "limit 96.0 MiB" in run.stdout
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
def test_killed_while_watching():
    with cgroup.group("killed") as g:
        g.limit(40 * MIB)
        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=g.enter) as target:
            run = harness.run_tool(target.pid, 60)
            target.process.wait(10)
            assert target.process.returncode == -9
        name = os.path.basename(g.path)
    process = run.report["processes"][0]
    assert process["state"] == "exited" and process["memory"]["cgroup"]["oom_kills"] == 1
    assert re.search(r"the kernel killed in the memory group of the process \(.*%s\)" % name, run.stdout)


def test_limit_that_is_changed_while_watching():
    """Lowered when the tool has said the first one, and read until it says the change."""
    change = "the limit was changed while watching, from 512 MiB to 256 MiB"
    with cgroup.group("move") as g:
        g.limit(512 * MIB)
        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=g.enter) as target:
            target.wait_ready()
            tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-i", "1", "-d", "60", "--no-color"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
            try:
                told, lowered = False, False
                for line in tool.stdout:
                    if "limit 512 MiB" in line and not lowered:
                        g.limit(256 * MIB)
                        lowered = True
                    told = told or change in line
                    if told:
                        break
            finally:
                tool.kill()
                tool.wait()
                tool.stdout.close()
            assert target.alive()
    assert lowered and told


# A container's: its own group is the root of what it sees of cgroups.
OWN_VIEW = {"with the host's mounts": "",
            "with mounts of its own": 'umount "$1" && mount -t $2 %s none "$1" && '}  # fmt: skip
CLONE_NEWNS = 0x20000


def memory_seen_from_another_container(theirs, target, view):
    """The tool is in a cgroup namespace that does not have the target's group."""
    kind, options = ("cgroup2", "") if theirs.version == 2 else ("cgroup", "-o memory")
    script = OWN_VIEW[view].replace("%s", options) + 'shift 2 && exec "$@"'
    with cgroup.group("ours") as ours:
        r = subprocess.run(
            ["unshare", "-C", "-m", "sh", "-c", script, "sh", os.path.dirname(theirs.path), kind,
             harness.TOOL, "-p", str(target.pid), "-d", "2", "-q", "--no-color", "--json", "-"],
            capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, preexec_fn=ours.enter)  # fmt: skip
    assert target.alive()
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)["processes"][0]["memory"]


@pytest.mark.parametrize("view", OWN_VIEW, ids=lambda v: v.replace(" ", "-"))
def test_limit_of_a_target_in_another_container(view):
    """Where no mount of the tool shows the group, the target's do."""
    needs.mount_namespace()
    with cgroup.group("theirs") as theirs:
        theirs.limit(512 * MIB)
        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=theirs.enter) as target:
            target.wait_ready()
            memory = memory_seen_from_another_container(theirs, target, view)
    assert (memory["limit_source"], memory["limit_bytes"]) == ("cgroup", 512 * MIB)


def test_what_a_container_put_over_its_group(tmp_path):
    """A FIFO in the place of the limit's file would let whoever opens it wait for ever."""
    needs.mount_namespace()
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    with cgroup.group("theirs") as theirs:
        theirs.limit(512 * MIB)

        def enter():
            theirs.enter()
            assert not ctypes.CDLL(None).unshare(CLONE_NEWNS)
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            subprocess.run(["mount", "--bind", fifo, theirs.limit_file], check=True)

        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=enter) as target:
            target.wait_ready()
            memory = memory_seen_from_another_container(theirs, target, "with mounts of its own")
    assert memory["limit_source"] != "cgroup"


def test_cgroup_file_that_makes_no_sense(tmp_path):
    """The kernel writes no such thing, a container's own view of /sys may."""
    needs.mount_namespace()
    odd = tmp_path / "odd"
    odd.write_text("a lot\n")
    with cgroup.group("odd") as g:
        g.limit(512 * MIB)
        with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=g.enter) as target:
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
    import resource

    def tight():
        resource.setrlimit(resource.RLIMIT_AS, (300 * MIB, 300 * MIB))

    with harness.Target(pythons.host(), "bytes4k", harness.GENTLE, preexec_fn=tight) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 12)
        assert target.alive()
    assert run.rc == 0, run.stderr
    memory = run.report["processes"][0]["memory"]
    assert (memory["limit_source"], memory["limit_name"]) == ("rlimit", "RLIMIT_AS")
    assert memory["limit_bytes"] == 300 * MIB
    assert re.search("at this rate allocations fail in .*RLIMIT_AS", run.stdout)
    assert memory["oom_eta_s"] > 0
    row = memory["series"][-1]
    assert row["fds"] >= 3 and row["anon_bytes"] > MIB and row["swap_bytes"] is not None


def test_started_by_a_job_that_yields_to_all():
    """A read holds a lock of the target: at the rank of an idle job it would wait for a processor with it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = {}

    def as_before():
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def look(process):
        as_before()
        harness.wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) < 0, 10, 0.05)
        time.sleep(1)
        seen["policy"] = os.sched_getscheduler(process.pid)
        seen["files"] = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)

    with harness.Target(pythons.host(), "bytes4k", harness.GENTLE) as target:
        target.wait_ready()
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
            run = harness.run_tool(target.pid, 3, during=look)
        finally:
            as_before()
    assert run.rc == 0, run.stderr
    assert seen == {"policy": os.SCHED_OTHER, "files": (limits[1], limits[1])}

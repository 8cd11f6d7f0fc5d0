# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tool with few rights: four capabilities are enough, what is not needed is given up, hooks keep theirs."""
import contextlib
import json
import os
import re
import subprocess
import time

import pytest

import harness
import needs
import pythons

# include/uapi/linux/capability.h
CAP = {"chown": 0, "dac_override": 1, "dac_read_search": 2, "fowner": 3, "ipc_lock": 14, "sys_ptrace": 19, "sys_admin": 21, "perfmon": 38, "bpf": 39,
       "checkpoint_restore": 40}  # fmt: skip
FOUR = ("bpf", "perfmon", "sys_ptrace", "dac_read_search")
FEW = "-all," + ",".join("+" + c for c in FOUR)
WITH_FOUR = ["setpriv", "--bounding-set", FEW, "--inh-caps", FEW]
# A kernel whose uprobe_multi is sound needs no tracefs.
NO_TRACEFS = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o ro none /sys/kernel/tracing && exec \"$@\"", "sh"]
GROWER = """
import time
keep = []
print("ready", flush=True)
while True:
    for _ in range(5): keep.append({"n": len(keep) + 0.5})
    time.sleep(0.005)
"""
LEAKING_LINE = 6


def mask(*names):
    return sum(1 << CAP[n] for n in names)


def paranoid():
    """A value of Debian's kernels: no perf event without CAP_SYS_ADMIN."""
    with open("/proc/sys/kernel/perf_event_paranoid") as f:
        return int(f.read()) > 2


def kept(*more):
    return mask(*FOUR, "checkpoint_restore", *more, *(["sys_admin"] if paranoid() else []))


@pytest.fixture(scope="module")
def grower():
    child = subprocess.Popen([pythons.HOST, "-c", GROWER, "pyleak-privileges-test"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    yield child.pid
    child.kill()
    child.wait()
    child.stdout.close()


@contextlib.contextmanager
def started(*command, env=None):
    tool = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield tool
    finally:
        tool.kill()
        tool.wait()
        tool.stderr.close()


def rights(tool, pid=None, want_seccomp="2", limit_s=60):
    """Rights of all threads of @tool, or of its helper @pid, as (effective, permitted, bounding, no_new_privs, seccomp), once the filter is in."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert tool.poll() is None, tool.stderr.read()
        found = set()
        for tid in os.listdir("/proc/%d/task" % (pid or tool.pid)):
            with contextlib.suppress(FileNotFoundError), open("/proc/%d/task/%s/status" % (pid or tool.pid, tid)) as f:
                field = dict(re.findall(r"^(\w+):\s*(\S+)", f.read(), re.M))
                found.add((*(int(field["Cap" + k], 16) for k in ("Eff", "Prm", "Bnd")), field["NoNewPrivs"], field["Seccomp"]))
        if {f[4] for f in found} == {want_seccomp}:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def line_found(pid, prefix, seconds=15):
    run = subprocess.run([*prefix, harness.TOOL, "-p", str(pid), "-d", str(seconds), "-q", "--json", "-"], text=True,
                         capture_output=True, timeout=seconds + 120, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    process = json.loads(run.stdout)["processes"][0]
    sites = [s for s in process["sites"] if s["kind"] == "object"]
    assert sites, run.stdout
    return process["probe"]["mechanism"], sites[0]["stack"][0]["line"]


@pytest.mark.parametrize("prefix,mechanism", [(WITH_FOUR, None), ([*NO_TRACEFS, *WITH_FOUR], "multi")],
                         ids=["four", "four without tracefs"])  # fmt: skip
def test_the_line_is_found(grower, prefix, mechanism):
    if paranoid():
        pytest.skip("four are not enough with kernel.perf_event_paranoid=3")
    if mechanism and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 6):
        pytest.skip("uprobe_multi came with 6.6")
    if "unshare" in prefix:
        needs.mount_namespace()
    used, line = line_found(grower, prefix)
    assert line == LEAKING_LINE
    assert mechanism in (None, used)


def test_probed_code_stays_in_memory(grower):
    """As in a container: 64 KiB may be locked, and nobody has the right to raise that."""
    if paranoid():
        pytest.skip("four are not enough with kernel.perf_event_paranoid=3")
    few = FEW + ",+ipc_lock"
    with started("prlimit", "--memlock=65536", "setpriv", "--bounding-set", few, "--inh-caps", few,
                 harness.TOOL, "-p", str(grower), "-d", "60", "-q") as tool:  # fmt: skip
        rights(tool)
        locked, end = 0, time.monotonic() + 20
        while locked <= 64 and time.monotonic() < end:
            time.sleep(0.1)
            with open("/proc/%d/status" % harness.helper(tool.pid, "pyleak-probes")) as f:
                locked = int(re.search(r"^VmLck:\s*(\d+) kB", f.read(), re.M).group(1))
        assert locked > 64


READING = mask("sys_ptrace", "dac_read_search", "checkpoint_restore")
WRITING = mask("dac_override", "fowner", "chown")
# Each process of a command may do this: everything that a thread of it has, exactly.
PROCESSES = {
    "watch": (["--alert", "rss>100G", "--alert-hook", "true", "-q", "-d", "60", "-p"], {"pyleak-probes", "pyleak-storage", "pyleak-hooks"}),
    "watch --json": (["-q", "-d", "60", "--json", "{}", "-p"], {"pyleak-probes", "pyleak-storage", "pyleak-files"}),
    "watch with servers": (["-q", "-d", "60", "-p"], {"pyleak-probes", "pyleak-storage", "pyleak-debug"}),
    "serve": (["serve", "--listen", "unix:{}", "--pid"], {"pyleak-probes", "pyleak-storage", "pyleak-files"}),
    "sweep": (["sweep", "-q", "-d", "60", "--json", "{}", "--pid"], {"pyleak-probes", "pyleak-storage", "pyleak-files"}),
    "census": (["census", "--diff", "60", "-q", "--json", "{}", "-p"], {"pyleak-files"}),
    "why": (["why", "--type", "list", "--watch", "60", "-q", "--json", "{}", "-p"], {"pyleak-files"}),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_of_a_command(grower, tmp_path, name):
    """Its threads, and those of its helpers."""
    args, helpers = PROCESSES[name]
    args = [a.format(tmp_path / "out") for a in args]
    if args[-1] == "--pid":
        args = [*args[:-1], "--name", "pyleak-privileges-test"]
    else:
        args.append(str(grower))
    env = {**os.environ, **({"DEBUGINFOD_URLS": "http://127.0.0.1:9/"} if "servers" in name else {})}
    own = READING if name.startswith(("census", "why")) else kept()
    with started(harness.TOOL, *args, env=env) as tool:
        assert rights(tool) == {(own, own, own, "1", "2")}
        time.sleep(2)  # threads have started
        assert rights(tool) == {(own, own, own, "1", "2")}
        found = harness.helpers(tool.pid)
        assert set(found) == helpers
        if "pyleak-probes" in helpers:
            placing = kept("ipc_lock") & ~mask("checkpoint_restore")
            assert rights(tool, found["pyleak-probes"]) == {(placing, placing, placing, "1", "2")}
            # Whoever looks for "pyleak-bpf" in command lines, to kill it, must not find this one.
            with open("/proc/%d/cmdline" % found["pyleak-probes"], "rb") as f:
                shown = f.read()
            assert shown.startswith(b"pyleak-probes (never kill") and b"pyleak-bpf" not in shown
        if "pyleak-files" in helpers:
            assert rights(tool, found["pyleak-files"]) == {(WRITING, WRITING, WRITING, "1", "2")}
        if "pyleak-storage" in helpers:
            asking = mask("dac_read_search")
            assert rights(tool, found["pyleak-storage"]) == {(asking, asking, asking, "1", "2")}
        if "pyleak-debug" in helpers:
            assert rights(tool, found["pyleak-debug"]) == {(0, 0, 0, "1", "2")}


def test_saved_files_need_no_right(grower, tmp_path):
    """But to read them. Nor is any process looked at."""
    snap = tmp_path / "snap"
    run = subprocess.run([harness.TOOL, "census", "-p", str(grower), "-q", "--save", snap], capture_output=True, timeout=120,
                         check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for command in (["census"], ["why", "--type", "list"]):
        with started(harness.TOOL, *command, "--from", str(snap), "-q", "--json", str(pipe)) as tool:
            reading = mask("dac_read_search")
            assert rights(tool) == {(reading, reading, reading, "1", "2")}, command
            json.loads(pipe.read_text())


def test_files_of_others_and_hooks(grower, tmp_path):
    """Root writes everywhere; not the tool itself, but a process that knows nothing but the names. And a hook has the rights of
    who gave it."""
    place = tmp_path / "theirs"
    place.mkdir(mode=0o755)
    os.chown(place, 65534, 65534)
    out, told = place / "report.json", tmp_path / "hook"
    run = subprocess.run([harness.TOOL, "-p", str(grower), "-d", "3", "-q", "--json", str(out), "--alert", "rss>1M", "--alert-hook",
                          "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status >%s" % told],
                         capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(out.read_text())["processes"]
    with open("/proc/self/status") as f:
        mine = dict(re.findall(r"^(\w+):\s*(\S+)", f.read(), re.M))
    his = dict(re.findall(r"^(\w+):\s*(\S+)", told.read_text(), re.M))
    assert his == {k: mine[k] for k in ("CapEff", "Seccomp", "NoNewPrivs")}


def test_threads_of_a_service(grower):
    with started(harness.TOOL, "serve", "--name", "pyleak-privileges-test", "--listen", "127.0.0.1:0") as tool:
        rights(tool)
        assert "listening" in tool.stderr.readline()
        end = time.monotonic() + 60
        while len(os.listdir("/proc/%d/task" % tool.pid)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert rights(tool) == {(kept(), kept(), kept(), "1", "2")}


def test_switched_off(grower):
    with started(harness.TOOL, "-p", str(grower), "-d", "60", "-q", "--no-sandbox", "-v") as tool:
        assert "birth sites" in tool.stderr.readline()  # past the place where it would have been
        ((effective, _, _, _, seccomp),) = rights(tool, want_seccomp="0")
        assert effective & mask("sys_admin") and seccomp == "0"


@pytest.mark.parametrize("command", ["census", "why"])
def test_when_memory_ends_this_one_goes_first(grower, command):
    """A heap of gigabytes makes it large beside a target that has little left."""
    args = ["--type", "dict", "--watch", "2"] if command == "why" else ["--diff", "3"]
    tool = subprocess.Popen([harness.TOOL, command, "-p", str(grower), *args], stdout=subprocess.DEVNULL)
    try:
        seen, end = set(), time.monotonic() + 20
        while "1000" not in seen and tool.poll() is None and time.monotonic() < end:
            with open("/proc/%d/oom_score_adj" % tool.pid) as f:
                seen.add(f.read().strip())
            time.sleep(0.005)
        assert "1000" in seen, seen
    finally:
        tool.kill()
        tool.wait()

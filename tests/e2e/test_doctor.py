# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`doctor` is right: with all rights, with four, with none, without tracefs, about a process and about what is none."""
import json
import os
import re
import signal
import subprocess
import time

import harness
import needs
import pytest
import pythons

# unshare and setpriv are util-linux; each case is a prefix of the command.
THREE = "-all,+bpf,+perfmon,+sys_ptrace"
CAPS = THREE + ",+dac_read_search"
CASES = {
    "root": ([], {}),
    "four capabilities": (["setpriv", "--bounding-set", CAPS, "--inh-caps", CAPS],
                          {"capabilities": "ok", "other users": "ok", "probes by perf": "note"}),
    "three capabilities": (["setpriv", "--bounding-set", THREE, "--inh-caps", THREE], {"capabilities": "ok", "other users": "note"}),
    "nobody": (["setpriv", "--reuid", "65534", "--clear-groups"],
               {"capabilities": "no", "tracefs": "note", "probes, chosen": "no"}),
    "tracefs not mounted": (["unshare", "-m", "sh", "-c", "umount -R /sys/kernel/debug; umount -R /sys/kernel/tracing; "
                             "exec \"$@\"", "sh"], {"tracefs": "ok", "probes by tracefs": "ok"}),
    "tracefs read-only": (["unshare", "-m", "sh", "-c", "mount -o bind,ro /sys/kernel/tracing /sys/kernel/tracing && "
                           "mount -o remount,bind,ro /sys/kernel/tracing && exec \"$@\"", "sh"],
                   {"tracefs": "note", "probes by tracefs": "note"}),
}  # fmt: skip


def doctor(*args, prefix=()):
    run = subprocess.run([*prefix, harness.TOOL, "doctor", *args], capture_output=True, text=True, timeout=120,
                         stdin=subprocess.DEVNULL)  # fmt: skip
    return run


def rows(*args, prefix=()):
    return rows_of(doctor("--json", *args, prefix=prefix))


def rows_of(run):
    assert run.stdout, run.stderr
    answer = json.loads(run.stdout)
    assert answer["schema"] == "pyleak-bpf/doctor/1"
    assert run.returncode == (0 if answer["can_watch"] else 1)
    return {r["what"]: r for r in answer["rows"]}


@pytest.mark.parametrize("case", CASES)
def test_host(case):
    prefix, wanted = CASES[case]
    if "unshare" in prefix:
        needs.mount_namespace()
    found = rows(prefix=prefix)
    if case == "root":
        assert [r for r in found.values() if r["state"] == "no"] == []
    if found["probes by multi"]["state"] == "ok":  # where it works, no event is made that others could remove
        assert found["probes by tracefs"]["found"].startswith("not tried: uprobe_multi works"), found
        wanted = wanted | {"probes by tracefs": "ok"}
    elif found["probes by tracefs"]["found"].startswith("not tried"):  # nor where it may work in a moment
        assert found["probes by tracefs"]["found"] == "not tried: uprobe_multi could not be tried just now", found
        wanted = wanted | {"probes by multi": "note", "probes by tracefs": "note"}
    # Others must be kept away from an event that a watch has.
    assert ("named events" in found) == (found["probes, chosen"]["found"] == "tracefs"), found
    assert not any("named events" in r["found"] for r in found.values()), found  # the words are that warning's alone
    assert ("kernel dangers" in found) == (found["probes, chosen"]["state"] == "ok"), found
    for what, state in wanted.items():
        assert found[what]["state"] == state, found
    for row in found.values():
        assert row["state"] != "no" or row["remedy"], row


def sleeper(command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("python", [pythons.host(), *pythons.debian_roots()], ids=lambda p: p.name)
def test_a_python(python):
    code = "import time; secret = 'hunter2'; time.sleep(60)"
    command = [python.path, "-c", code]
    child = sleeper((["chroot", python.root] if python.root else []) + command)
    try:
        run = doctor("--json", "-p", str(child.pid))
        text = run.stdout if python.root else run.stdout + doctor("-p", str(child.pid)).stdout
    finally:
        child.kill()
        child.wait()
    found = rows_of(run)
    assert python.path.rsplit("python", 1)[1] in found["Python"]["found"]
    assert found["birth sites"]["state"] == "ok" and found["memory"]["state"] == "ok"
    # No window is opened here: more than what the code says is not known.
    assert re.fullmatch(r"\d+, complete by the code; a watch asks the heap whether all births are seen", found["birth sites"]["found"])
    build = found["build"]
    assert build["state"] == "ok" and "GCC" in build["found"] and "LTO, " in build["found"], build
    assert "in the executable" in build["found"] and "like Debian's or conda's, tested" in build["found"], build
    # Nothing of arguments or environment.
    assert "hunter2" not in text and "time.sleep" not in text


OPTIMISED = {"LTO", "PGO"}
# By the beginning of a build's name: words of its shape, and which tested one it is like.
SHAPES = {
    "debian-3.11": ({"GCC", "LTO", "in the executable", "stripped", "glibc"}, "Debian's or conda's"),
    "docker-3.11": ({"GCC", *OPTIMISED, "shared library", "glibc"}, "Docker's images"),
    "docker-": ({"GCC", *OPTIMISED, "shared library", "frame pointers", "glibc"}, "Docker's images"),
    "uv-3.13": ({"Clang", *OPTIMISED, "BOLT", "in the executable", "glibc"}, "python-build-standalone's, as uv installs it"),
    "uv-3.14": ({"Clang", *OPTIMISED, "BOLT", "tail calls", "in the executable", "glibc"}, "python-build-standalone's, as uv installs it"),
    "uvt-": ({"Clang", *OPTIMISED, "BOLT", "tail calls", "free-threaded", "in the executable", "glibc"},
             "python-build-standalone's without the GIL"),
    "bolt-": ({"Clang", *OPTIMISED, "BOLT", "in the executable", "glibc"}, "python-build-standalone's, as uv installs it"),
    "conda-": ({"GCC", *OPTIMISED, "in the executable", "glibc"}, "Debian's or conda's"),
    "alpine-": ({"GCC", "LTO", "shared library", "frame pointers", "musl"}, None),
    "tail-": ({"Clang", "tail calls", "in the executable", "glibc"}, None),
    "O1-": ({"GCC", "in the executable", "glibc"}, None),
    "Os-": ({"GCC", "in the executable", "glibc"}, None),
    "noinline-": ({"GCC", "in the executable", "glibc"}, None),
}


def words(shape):
    return {w.split()[0] if w.startswith(("GCC ", "Clang ")) else w for w in shape.split(", ")}


@pytest.mark.parametrize("python", [pythons.host(), *(pytest.param(p, marks=pytest.mark.matrix) for p in pythons.builds())],
                         ids=lambda p: p.name)  # fmt: skip
def test_shape(python):
    """In `doctor` and in JSON, which knows nothing of what configure was told."""
    shape = next((s for name, s in SHAPES.items() if python.name.startswith(name)), None)
    if not shape:
        pytest.skip("not tried")
    wanted, like = shape
    wanted = wanted | {"stripped"} if python.name.endswith("-stripped") else wanted
    child = sleeper([python.path, "-c", "import time; time.sleep(60)"])
    try:
        found = rows("-p", str(child.pid))["build"]["found"]
        run = harness.run_tool(child.pid, 1)
    finally:
        child.kill()
        child.wait()
    told, _, tested = found.partition(": ")
    assert words(told) == wanted, found
    assert tested == ("like %s, tested" % like if like else "no build like this one is tested")
    assert run.rc == 0, run.stderr
    told = run.report["processes"][0]["python"]
    # LTO is known by births that are inlined, which takes PGO: not on Alpine.
    assert words(told["build"]) == wanted - (OPTIMISED if "musl" in wanted else {"PGO"}), told
    assert told["tested_as"] == like


@pytest.mark.parametrize("caps, state", [(THREE, "no"), (CAPS, "ok")])
def test_a_process_of_another_user(caps, state):
    """The row on other users says what is so."""
    child = sleeper(["setpriv", "--reuid", "65534", "--clear-groups", pythons.host().path, "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(1)  # it has started
        found = rows("-p", str(child.pid), prefix=["setpriv", "--bounding-set", caps, "--inh-caps", caps])
    finally:
        child.kill()
        child.wait()
    assert found["process"]["state"] == state and found["other users"]["state"] == ("ok" if state == "ok" else "note")


def test_a_stopped_process():
    child = sleeper([pythons.host().path, "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(1)  # it has started
        child.send_signal(signal.SIGSTOP)
        found = rows("-p", str(child.pid))
    finally:
        child.kill()
        child.wait()
    assert found["state"]["state"] == "note" and "kill -CONT %d" % child.pid in found["state"]["remedy"]
    assert found["birth sites"]["state"] == "ok"


def test_what_is_no_python():
    child = sleeper(["sleep", "60"])
    try:
        found = rows("-p", str(child.pid))
    finally:
        child.kill()
        child.wait()
    assert found["Python"]["state"] == "no" and str(child.pid) in found["Python"]["found"]
    assert rows("-p", str(child.pid))["process"]["state"] == "no"


def test_its_niceness_is_not_the_targets():
    """Whoever reads the target holds a lock that it needs: at nice 19 for as long as others let it."""
    child = sleeper([pythons.host().path, "-c", "import time; time.sleep(60)"])
    seen = []
    try:
        tool = subprocess.Popen(["nice", "-n", "19", harness.TOOL, "doctor", "-p", str(child.pid)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL)  # fmt: skip
        while tool.poll() is None:
            seen.append(os.getpriority(os.PRIO_PROCESS, tool.pid))
            time.sleep(0.01)
    finally:
        child.kill()
        child.wait()
    assert tool.returncode in (0, 1) and seen[-1] == 0, seen

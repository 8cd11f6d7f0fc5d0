# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`doctor` is right: with all rights, with four, with none, without tracefs, about a process and about what is none."""
import json
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
    run = doctor("--json", *args, prefix=prefix)
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
        found = rows("-p", str(child.pid))
        text = doctor("-p", str(child.pid)).stdout
    finally:
        child.kill()
        child.wait()
    assert python.path.rsplit("python", 1)[1] in found["Python"]["found"]
    assert found["birth sites"]["state"] == "ok" and found["memory"]["state"] == "ok"
    # No window is opened here: more than what the code says is not known.
    assert re.fullmatch(r"\d+, complete by the code; a watch asks the heap whether all births are seen", found["birth sites"]["found"])
    build = found["build"]
    assert build["state"] == "ok" and "GCC" in build["found"] and "LTO, " in build["found"], build
    assert "in the executable" in build["found"] and "like Debian's or conda's, tested" in build["found"], build
    # Nothing of arguments or environment.
    assert "hunter2" not in text and "time.sleep" not in text


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

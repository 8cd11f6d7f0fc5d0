# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A command that cannot be done ends with one line on standard error and exit code 1 or 2."""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

import harness
import needs
import pythons
import zoo


def tool(*args, prefix=(), env=None, limit=60):
    return subprocess.run([*prefix, harness.TOOL, *map(str, args)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=limit, env=env, errors="replace")  # fmt: skip


def refused(run, codes=(1,), words=()):
    lines = run.stderr.strip("\n").split("\n")
    assert run.returncode in codes, (run.returncode, run.stderr[-500:])
    assert len(lines) == 1 and lines[0].strip(), run.stderr[-500:]
    assert run.stdout == "", run.stdout[-300:]
    # A sentence, not an errno: somebody has to act on it.
    assert len(lines[0].split()) >= 4, lines[0]
    for word in words:
        assert word in lines[0], lines[0]


@contextlib.contextmanager
def running(cmd, settle=0.5, **popen):
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, **popen)  # fmt: skip
    try:
        time.sleep(settle)
        yield p
    finally:
        p.kill()
        p.wait()


IDLE = "import time\nwhile True: time.sleep(0.01)"


@pytest.fixture
def python():
    with running([pythons.HOST, "-c", IDLE]) as p:
        yield p


def unused_pid():
    with open("/proc/sys/kernel/pid_max") as f:
        pid = int(f.read()) - 3
    while os.path.exists("/proc/%d" % pid):
        pid -= 1
    return pid


def test_no_such_pid():
    pid = unused_pid()
    refused(tool("-p", pid, "-d", 1), words=[str(pid)])


def test_not_a_python():
    with running(["sleep", "60"]) as p:
        refused(tool("-p", p.pid, "-d", 1), words=[str(p.pid)])


def test_kernel_thread():
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError), open("/proc/%d/stat" % pid) as f:
            # Flags word: PF_KTHREAD.
            if int(f.read().rpartition(")")[2].split()[6]) & 0x00200000:
                break
    else:
        pytest.skip("no kernel thread to be seen in this pid namespace")
    refused(tool("-p", pid, "-d", 1), words=[str(pid)])


def test_zombie():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        time.sleep(0.2)
        refused(tool("-p", pid, "-d", 1), words=[str(pid)])
    finally:
        os.waitpid(pid, 0)


@pytest.mark.parametrize("owner", ["root", "same"])
def test_no_root_no_capabilities(python, owner, tmp_path):
    # The tool is copied to where anybody may execute it.
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        copy = shutil.copy(harness.TOOL, d)
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                "--bounding-set=-all"]  # fmt: skip
        with running([*drop, pythons.HOST, "-c", IDLE]) as p:
            pid = p.pid if owner == "same" else python.pid
            run = subprocess.run([*drop, copy, "-p", str(pid), "-d", "1"], capture_output=True,
                                 text=True, timeout=60, cwd="/")  # fmt: skip
    refused(run)


@pytest.mark.parametrize("caps", ["-bpf,-sys_admin", "-perfmon,-sys_admin"])
def test_capability_missing(python, caps):
    drop = ["setpriv", "--inh-caps=" + caps, "--bounding-set=" + caps]
    if subprocess.run([*drop, "true"], capture_output=True).returncode:
        pytest.skip("this setpriv does not know the capability")
    refused(tool("-p", python.pid, "-d", 1, prefix=drop))


def test_no_btf(python):
    """A kernel without BTF, as the tool sees it: nothing below /sys/kernel/btf."""
    needs.mount_namespace()
    hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"']
    refused(tool("-p", python.pid, "-d", 1, prefix=hide), words=["BTF"])


def python27():
    found = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/2.7*/bin/python2.7")))
    root = os.path.join(pythons.ROOTS, "bullseye")
    if os.path.exists(root + "/usr/bin/python2.7"):
        found.append(("chroot", root, "/usr/bin/python2.7"))
    return [[f] if isinstance(f, str) else list(f) for f in found]


def test_python_2():
    if not python27():
        pytest.skip("no Python 2.7 on this machine")
    with running([*python27()[0], "-c", IDLE]) as p:
        refused(tool("-p", p.pid, "-d", 1), words=["2.7"])


@pytest.mark.parametrize(
    "args",
    [
        ["-p", "0"],
        ["-p", ""],
        ["-p", "-5"],
        ["-p", "1,,2"],
        ["-p", "99999999999999999999"],
        ["-p", "1x"],
        ["-p"],
        ["-p", "1", "--top", "-1"],
        ["-p", "1", "--top", "many"],
        ["-p", "1", "--overhead", "500"],
        ["-p", "1", "--overhead", "-1"],
        ["-p", "1", "--overhead", "nan"],
        ["-p", "1", "--mode", "magic"],
        ["-p", "1", "-d", "-3"],
        ["-p", "1", "-i", "0"],
        ["-p", "1", "--no-such-option"],
        ["-p", "1", "stray"],
    ],
    ids=" ".join,
)
def test_usage(args):
    refused(tool(*args), codes=(2,))


def test_no_arguments():
    assert tool().returncode == 2


@pytest.mark.parametrize("path", ["/nonexistent/dir/r.json", "/proc/r.json", "/"])
def test_unwritable_json(python, path):
    refused_at = time.monotonic()
    refused(tool("-p", python.pid, "-d", 20, "-q", "--json", path), codes=(1, 2))
    # Known before the watch, so said before it.
    assert time.monotonic() - refused_at < 10


def test_full_disk(python):
    with tempfile.TemporaryDirectory() as d:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", d]).returncode:
            pytest.skip("no right to mount")
        try:
            with open(d + "/filler", "wb") as f, contextlib.suppress(OSError):
                f.write(b"x" * 4096)
                f.flush()
            run = tool("-p", python.pid, "-d", 2, "-q", "--json", d + "/r.json")
            assert os.listdir(d) == ["filler"], "something half-written was left"
        finally:
            subprocess.run(["umount", d], check=True)
    assert run.returncode == 1
    lines = run.stderr.strip("\n").split("\n")
    assert len(lines) == 1 and "r.json" in lines[0], run.stderr[-500:]


@pytest.mark.calm
def test_two_tools_on_one_target():
    """A window that stays open while the machine is busy is paid for with seconds without one: here there are few."""
    python = pythons.host()
    with harness.Target(python, "dicts", harness.GENTLE) as target:
        target.wait_ready()
        second = []

        def during(_):
            second.append(harness.run_tool(target.pid, 12))

        first = harness.run_tool(target.pid, 14, during=during)
        for run in (first, second[0]):
            result = harness.judge(run, target, zoo.PROGRAMS["dicts"], python.name,
                                   want_rate=False)  # fmt: skip
            assert result.ok, result.problems


def test_closed_streams(python, tmp_path):
    """Files that are opened later must not get their numbers: a report would be written into one."""
    made = tmp_path / "report.json"
    command = 'exec "$@" <&- >&- 2>&-'
    run = subprocess.run(["sh", "-c", command, "sh", harness.TOOL, "-p", str(python.pid), "-d", "3", "-i", "1",
                          "--json", str(made)], timeout=60, check=False)  # fmt: skip
    assert run.returncode == 0 and not harness.validate(json.loads(made.read_text()))
    assert python.poll() is None


def test_interrupted_before_anything():
    with running([pythons.HOST, "-c", IDLE]) as p:
        t = subprocess.Popen([harness.TOOL, "-p", str(p.pid)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)  # fmt: skip
        time.sleep(0.02)
        t.send_signal(signal.SIGINT)
        out, err = t.communicate(timeout=30)
        assert t.returncode in (0, 130, -signal.SIGINT)
        assert t.returncode != 130 or (out == b"" and b"interrupted before" in err and err.count(b"\n") == 1)
        assert p.poll() is None


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))

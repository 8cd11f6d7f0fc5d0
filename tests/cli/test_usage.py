# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line as a script sees it: exit codes, one clear line, nothing left behind.

No root is needed: what is tested here ends before a process is touched.
"""
import os
import signal
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))


def run(*args, **env):
    return subprocess.run([TOOL, *args], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **env}, check=False)


BAD = [
    ([], "-p PID"),
    (["-p"], "-p/--pid"),
    (["-p", "0"], "-p/--pid 0"),
    (["-p", "-1"], "-p/--pid -1"),
    (["-p", "1,,2"], "1,,2"),
    (["-p", "1", "--top", "-1"], "from 1 to 10000"),
    (["-p", "1", "--overhead", "500"], "from 0.1 to 50"),
    (["-p", "1", "--overhead", "nan"], "from 0.1 to 50"),
    (["-p", "1", "-i", "0"], "-i/--interval 0"),
    (["-p", "1", "--mode", "exact"], "auto"),
    (["-p", "1", "-z", "2k", "-Z", "1k"], "--min-size"),
    (["-p", "1", "--json", ""], "--json"),
    (["-p", "1", "--nonsense"], "--nonsense"),
    (["-p", "1", "extra"], "extra"),
    (["1234", "extra"], "extra"),
    (["-p", "12x"], "12x"),
    (["--", ""], "the program behind -- has an empty name"),
    (["sensus", "-p", "1"], "sensus"),
    (["doctor", "extra"], "extra"),
    (["census"], "-p PID"),
    (["census", "-p", "1", "--redact", "--no-redact"], "--no-redact"),
    (["census", "-p", "1", "--diff", "0"], "--diff 0"),
    (["-p", "1", "--alert", "rrs>2G"], "did you mean 'rss'?"),
    (["-p", "1", "--alert", "growth>1M/min fro 10m"], "did you mean 'for'?"),
    (["-p", "1", "--alert", "rss=>2G"], "did you mean '>='?"),
    (["-p", "1", "--alert", "growth>1M"], "growth>1M/min for 10m"),
    (["-p", "1", "--alert", "rss>2X"], "the value is not understood"),
    (["-p", "1", "--alert", ""], "a rule is like"),
    (["-p", "1", "--alert-hook", "true"], "--alert-hook needs a rule"),
    (["-p", "1", "--alert", "rss>1", "--alert-log", "-", "--json", "-"], "standard output"),
    (["-p", "1", "--alert", "rss>1", "--alert-log", "x.log", "--json", "./x.log"], "are one file"),
    (["-p", "1", "--alert", "rss>1", "--alert-log", "x.log", "--record", "x.log"], "are one file"),
    (["-p", "1", "--json", "x.json", "--html", "./x.json"], "are one file"),
    (["-p", "1", "--record", "x.rec", "--baseline", "x.rec"], "are one file"),
    (["sweep", "--record", "x.rec", "--pprof", "x.rec"], "are one file"),
    (["merge", "x.json", "--json", "y", "--folded", "y"], "are one file"),
    (["diff", "x.json", "y.json", "--json", "y", "--folded", "y"], "are one file"),
    (["why", "-p", "1", "--type", "dict", "--json", "x", "--dot", "x"], "are one file"),
    (["census", "-p", "1", "--json", "x", "--save", "x"], "are one file"),
    (["-p", "1", "--fail-on", "growing"], "leak"),
    (["-p", "1", "--json", "-", "--html", "-"], "one format"),
    (["--from", "x.json", "--json", "-", "--html", "-"], "one format"),
    (["--from", "x.json", "--max-pause", "3"], "--from tells of what was seen"),
    (["--from", "x.json", "--mode", "auto"], "--from tells of what was seen"),
    (["merge", "x.json", "--json", "-", "--folded", "-"], "one format"),
    (["sweep", "--json", "-", "--folded", "-"], "one format"),
    (["why", "-p", "1", "--type", "dict", "--json", "-", "--dot", "-"], "one format"),
    (["why", "-p", "1", "--type", "dict", "--json", ""], "--json needs a file name"),
    (["why", "-p", "1", "--type", "dict", "--dot", ""], "--dot needs a file name"),
    (["sweep", "--container", ""], "--container needs a name"),
    (["sweep", "--name", ""], "--name needs a name"),
    (["sweep", "--cgroup", ""], "--cgroup needs a name"),
    (["sweep", "--user", ""], "--user needs a name"),
    (["serve", "--pod", ""], "--pod needs a name"),
]


@pytest.mark.parametrize("args,says", BAD, ids=[" ".join(a) or "nothing" for a, _ in BAD])
def test_bad_usage_is_one_line_and_exit_2(args, says):
    r = run(*args)
    assert r.returncode == 2
    assert r.stdout == ""
    assert r.stderr.startswith("pyleak-bpf: ") and r.stderr.count("\n") == 1
    assert says in r.stderr


def test_settings_that_select_by_nothing_are_refused(tmp_path):
    settings = tmp_path / "pyleak.conf"
    settings.write_text("container =\n")
    r = run("serve", "--config", str(settings))
    assert (r.returncode, r.stdout) == (2, "")
    assert "--container needs a name" in r.stderr and r.stderr.count("\n") == 1


def test_help_and_version():
    r = run("--help")
    assert (r.returncode, r.stderr) == (0, "")
    assert r.stdout.startswith("usage: pyleak-bpf") and "Examples:" in r.stdout
    assert run("-h").stdout == r.stdout
    r = run("census", "--help")
    assert (r.returncode, r.stderr) == (0, "")
    assert r.stdout.startswith("usage: pyleak-bpf census") and "Examples:" in r.stdout
    assert "of containers the length alone" in " ".join(r.stdout.split())
    r = run("--version")
    assert r.returncode == 0 and r.stdout.split()[0] == "pyleak-bpf"


def one_line(r, says):
    assert (r.returncode, r.stdout) == (1, "")
    assert r.stderr.startswith("pyleak-bpf: ") and r.stderr.count("\n") == 1
    assert says in r.stderr


def as_nobody(*args):
    # Through /proc/self/fd: the tool may lie where nobody else can look.
    fd = os.open(TOOL, os.O_RDONLY)
    try:
        return subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
             "--inh-caps=-all", f"/proc/self/fd/{fd}", *args],
            capture_output=True, text=True, timeout=30, check=False, pass_fds=[fd])
    finally:
        os.close(fd)


def test_a_small_stack_is_told_of():
    for args in (["--version"], ["--from", "x.json"], ["why", "--help"]):
        r = subprocess.run(["sh", "-c", 'ulimit -s 64; exec "$@"', "-", TOOL, *args], capture_output=True, text=True, timeout=30, check=False)
        one_line(r, "a stack may have 64 KiB here")
        assert "ulimit -s" in r.stderr


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give rights away")


@needs_root
def test_no_rights_names_the_capabilities_and_sudo():
    one_line(as_nobody("-p", str(os.getpid())), "CAP_BPF")
    one_line(as_nobody("-p", str(os.getpid())), "sudo")


@needs_root
def test_missing_cap_bpf_is_named():
    r = subprocess.run(
        ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin",
         TOOL, "-p", str(os.getpid())],
        capture_output=True, text=True, timeout=30, check=False)
    one_line(r, "CAP_BPF")
    assert "CAP_PERFMON" not in r.stderr


def test_kernel_that_is_too_old_is_told_so():
    r = subprocess.run(["setarch", "x86_64", "--uname-2.6", TOOL, "-p", str(os.getpid())],
                       capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    one_line(r, "2.6.")
    assert "Linux 5.10 or later is needed" in r.stderr


@needs_root
def test_kernel_without_btf_is_told_so(tmp_path):
    r = run("-p", str(os.getpid()), PYLEAK_TEST_BTF=str(tmp_path / "vmlinux"))
    one_line(r, "BTF")
    assert "CONFIG_DEBUG_INFO_BTF" in r.stderr and "Linux 5.10" in r.stderr


def blocked(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return next(int(line.split()[1], 16) for line in f if line.startswith("SigBlk:"))


def test_a_hangup_waits_until_serve_can_hear_it():
    """`systemctl reload` may come first. Here it comes when help is written, to a pipe that has no room."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(into, b"x" * 4096)
    os.set_blocking(into, True)
    tool = subprocess.Popen([TOOL, "serve", "--help"], stdout=into)
    os.close(into)
    try:
        end = time.monotonic() + 20
        while blocked(tool.pid) & 1 << signal.SIGHUP - 1 == 0 and time.monotonic() < end:
            time.sleep(0.01)
        tool.send_signal(signal.SIGHUP)
        with open(out, "rb") as f:
            assert b"--config" in f.read()
        assert tool.wait(20) == 0
    finally:
        tool.kill()
        tool.wait()


@needs_root
def test_unwritable_json_is_refused_before_anything_happens(tmp_path):
    one_line(run("-p", str(os.getpid()), "--json", str(tmp_path / "no" / "r.json")), "r.json")
    one_line(run("-p", str(os.getpid()), "--json", str(tmp_path)), "directory")
    assert not os.listdir(tmp_path)


@needs_root
def test_json_on_a_full_disk_leaves_nothing(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path],
                      check=False).returncode != 0:
        pytest.skip("cannot mount a tmpfs")
    try:
        (tmp_path / "ballast").write_bytes(b"x" * 65536)
        one_line(run("-p", str(os.getpid()), "--json", str(tmp_path / "r.json")), "No space")
        assert os.listdir(tmp_path) == ["ballast"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@needs_root
def test_existing_json_survives_a_run_that_fails(tmp_path):
    old = tmp_path / "r.json"
    old.write_text("precious")
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert run("-p", str(gone.pid), "--json", str(old)).returncode == 1
    assert old.read_text() == "precious"
    assert os.listdir(tmp_path) == ["r.json"]

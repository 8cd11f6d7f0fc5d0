# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that the user names in a directory that others may write to: what they put there is not followed and not kept."""
import json
import os
import subprocess
import time

import pytest

import harness
import pythons

GOLDEN = os.path.join(harness.TOP, "tests", "golden", "report.json")
STRANGER = 65534
IDLE = 'import time; keep = [[i] for i in range(1000)]; print("ready", flush=True); time.sleep(600)'
UNTOUCHED = '{"mine": true}\n'


@pytest.fixture(scope="module")
def target():
    child = subprocess.Popen([pythons.HOST, "-c", IDLE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    yield child.pid
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture
def shared(tmp_path):
    """A directory like /tmp, and a file that is nobody else's business."""
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(0o1777)
    tmp_path.chmod(0o755)
    victim = tmp_path / "victim"
    victim.write_text(UNTOUCHED)
    victim.chmod(0o600)
    return place, victim


def plant(path, kind, victim):
    """As user 65534 could."""
    if kind == "file":
        path.touch()
        path.chmod(0o666)
    elif kind == "pipe":
        os.mkfifo(path, 0o666)
    else:
        path.symlink_to(victim if kind == "link" else victim.parent / "made")
    os.lchown(path, STRANGER, STRANGER)


def merge_input(tmp_path):
    path = tmp_path / "report.in"
    path.write_text(json.dumps({"schema": "pyleak-bpf/report/1", "processes": []}))
    return path


def writing(name, pid, tmp_path):
    return {
        "census --json": ["census", "-p", pid, "-q", "--json"],
        "census --save": ["census", "-p", pid, "-q", "--save"],
        "why --json": ["why", "-p", pid, "--type", "list", "-q", "--json"],
        "why --dot": ["why", "-p", pid, "--type", "list", "-q", "--dot"],
        "watch --json": ["-p", pid, "-q", "-d", "1", "--json"],
        "watch --baseline": ["-p", pid, "-q", "-d", "1", "--baseline"],
        "watch --alert-log": ["-p", pid, "-q", "-d", "3", "--alert", "rss>1M", "--alert-log"],
        "sweep --json": ["sweep", "--name", "no-such-process", "-q", "-d", "1", "--json"],
        "merge --json": ["merge", merge_input(tmp_path), "--json"],
        "from --folded": ["--from", GOLDEN, "--folded"],
        "from --html": ["--from", GOLDEN, "--html"],
        "from --speedscope": ["--from", GOLDEN, "--speedscope"],
        "from --pprof": ["--from", GOLDEN, "--pprof"],
    }[name]


OUTPUTS = ["census --json", "census --save", "why --json", "why --dot", "watch --json", "watch --baseline", "watch --alert-log",
           "sweep --json", "merge --json", "from --folded", "from --speedscope", "from --pprof", "from --html"]  # fmt: skip


def run(args, path):
    return subprocess.run([harness.TOOL, *map(str, args), str(path)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=120, umask=0o077, check=False)  # fmt: skip


@pytest.mark.parametrize("kind", ["link", "link to nothing", "file", "pipe"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_what_a_stranger_left(target, shared, tmp_path, output, kind):
    place, victim = shared
    path = place / "report.json"
    plant(path, kind, victim)
    done = run(writing(output, target, tmp_path), path)
    assert done.returncode == 1 and "65534" in done.stderr, done.stderr
    assert victim.read_text() == UNTOUCHED
    assert not (tmp_path / "made").exists()
    assert os.listdir(place) == ["report.json"]
    assert os.lstat(path).st_uid == STRANGER


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_new_file_is_its_owners(target, shared, tmp_path, output):
    place, _ = shared
    path = place / "report.json"
    done = subprocess.run([harness.TOOL, *map(str, writing(output, target, tmp_path)), str(path)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, umask=0o022, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.stat().st_size > 0
    assert os.listdir(place) == ["report.json"]


def test_a_wider_file_than_the_user_wants(target, shared):
    """Made by an earlier run with another umask: nobody can change it any more."""
    place, _ = shared
    path = place / "report.json"
    path.touch()
    path.chmod(0o666)
    assert run(["census", "-p", target, "-q", "--json"], path).returncode == 0
    assert path.stat().st_mode & 0o7777 == 0o600


def test_standard_output_by_another_name(target):
    """As a shell's process substitution gives it."""
    for name in ("/dev/stdout", "/proc/self/fd/1"):
        done = run(["census", "-p", target, "-q", "--json"], name)
        assert done.returncode == 0, done.stderr
        assert '"schema": "pyleak-bpf/report/1"' in done.stdout


def test_one_signal_ends_the_wait_for_a_reader(target, tmp_path):
    """The pipe is one that nobody reads."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    tool = subprocess.Popen([harness.TOOL, "census", "-p", str(target), "-q", "--json", pipe], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            tool.wait(timeout=3)
        tool.terminate()
        _, said = tool.communicate(timeout=20)
    finally:
        tool.kill()
    assert tool.returncode == 1 and "nobody reads" in said


def test_the_graph_waits_for_no_reader_of_the_answer(target, tmp_path):
    pipe, graph = tmp_path / "pipe", tmp_path / "graph"
    os.mkfifo(pipe)
    tool = subprocess.Popen([harness.TOOL, "why", "-p", str(target), "--type", "list", "-q", "--json", pipe, "--dot", graph],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        end = time.monotonic() + 30
        while not graph.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert graph.read_text().endswith("}\n") and tool.poll() is None
    finally:
        tool.kill()
        tool.communicate()

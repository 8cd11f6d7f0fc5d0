# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sweep` finds the leaking ones among many Pythons of several versions, and no other."""
import json
import re
import subprocess
import time

import harness
import pytest
import pythons

LEAKS = ("dicts", "str_split", "ctypes_malloc")
IDLE = "import time, json\nkeep = [{'n': n} for n in range(2000)]\nwhile True:\n time.sleep(0.2); json.loads('[1, 2]')\n"


def sweep(*args, timeout=240):
    return subprocess.run([harness.TOOL, "sweep", "--no-color", *map(str, args)], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)  # fmt: skip


def idle(python):
    """An innocent one, named by a word of its command line that no other process has."""
    command = [python.path, "-c", IDLE, "pyleak-sweep-test"]
    return subprocess.Popen((["chroot", python.root] if python.root else []) + command, stdin=subprocess.DEVNULL)


@pytest.fixture(name="crowd")
def crowd_fixture(full):
    """Innocent ones of every version, and leaking ones among them."""
    versions = [pythons.host(), *pythons.debian_roots()]
    each = (194 if full else 15) // len(versions)
    children = [idle(python) for python in versions for _ in range(each)]
    targets = [harness.Target(pythons.host(), name, ["--seconds", 600]) for name in LEAKS]
    try:
        for target in targets:
            target.__enter__()
            target.wait_ready()
        yield {c.pid for c in children}, {t.pid: t for t in targets}
    finally:
        for target in targets:
            target.__exit__(None, None, None)
        for child in children:
            child.kill()
            child.wait()


def test_the_leaking_ones_are_found(crowd, tmp_path, full):
    innocent, leaking = crowd
    path = tmp_path / "sweep.json"
    # Other programs of this machine are none of this test's business.
    wanted = "pyleak-sweep-test|" + re.escape(pythons.ZOO) + "/"
    run = sweep("-d", 120 if full else 90, "-q", "--fail-on", "leak", "--name", wanted, "--json", path)
    assert run.returncode == 3, run.stderr
    report = json.loads(path.read_text())
    found = {p["pid"]: p for p in report["processes"]}
    assert innocent <= set(found)
    said = {pid for pid in set(innocent) | set(leaking) if found[pid]["verdict"]["class"] == "leak"}
    assert said == set(leaking), [(found[p]["comm"], found[p]["verdict"]) for p in set(innocent) | set(leaking)]
    for pid, target in leaking.items():
        site = found[pid]["sites"][0]
        assert any(f.get("file") == target.path for f in site["stack"]), site["stack"]
        assert found[pid]["mode"] == "auto"
    assert {found[pid]["mode"] for pid in innocent} == {"growth"}
    assert "%d leak" % len(leaking) in run.stdout and "steady" in run.stdout


def test_selection():
    child = idle(pythons.host())
    try:
        time.sleep(1)
        chosen = sweep("-d", 4, "-q", "-v", "--name", "pyleak-sweep-test", "--user", "root")
        nobody = sweep("-d", 4, "-q", "--name", "pyleak-sweep-test", "--user", "65534")
        small = sweep("-d", 4, "-q", "--name", "pyleak-sweep-test", "--min-rss", "10G")
        old = sweep("-d", 4, "-q", "--name", "pyleak-sweep-test", "--min-age", 86400)
    finally:
        child.kill()
        child.wait()
    assert chosen.returncode == 0 and "pid %d " % child.pid in chosen.stdout
    for none in (nobody, small, old):
        assert none.returncode == 0 and "0 Python processes" in none.stdout


@pytest.mark.parametrize("args,says", [(["--name", "("], "--name"), (["--user", "no such user"], "no such user"),
                                       (["--json", ""], "--json"), (["--fail-on", "x"], "leak")])  # fmt: skip
def test_bad_usage(args, says):
    run = sweep(*args)
    assert (run.returncode, run.stdout) == (2, "")
    assert says in run.stderr and run.stderr.count("\n") == 1


def test_processes_that_come_and_go():
    """Short-lived ones in between: nothing is left, nothing goes wrong."""
    tool = subprocess.Popen([harness.TOOL, "sweep", "-d", "15", "-q", "--json", "-"], stdout=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True)  # fmt: skip
    while tool.poll() is None:
        subprocess.run([pythons.HOST, "-c", "import time; time.sleep(0.05)"], check=True)
    out, _ = tool.communicate(timeout=60)
    assert tool.returncode == 0
    assert "processes" in json.loads(out)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pythons in containers of other distributions: who they are by the container's name, their files as they are called
inside, and the limit of their own group."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

import cgroup
import containers
import harness
import needs
import pytest
import pythons
import zoo
from until import Until, sites_of

MIB = 1 << 20
PROGRAM = zoo.PROGRAMS["dicts"]
SLEEPS = ["-c", "import time\ntime.sleep(3600)"]


@pytest.fixture(scope="module", name="python")
def python_fixture():
    found = [p for p in pythons.debian_roots() if p.name == "debian-3.13"]
    if not found:
        pytest.skip("no root of another Debian; make roots")
    pythons.install_zoo(found[0])
    return found[0]


def leaking(python):
    return [python.path, "-B", python.zoo_file(PROGRAM.name), "--truth", "/dev/null", "--seconds", "600", *harness.GENTLE]


@pytest.fixture(scope="module", name="pair")
def pair_fixture(python):
    """Two containers of one image, of which one leaks: (id, pid) by name."""
    # podman takes no path of more than 50 characters.
    with containers.podman(pathlib.Path(tempfile.mkdtemp(prefix="pyleak-podman-"))) as podman:
        stem = "pyleak-test-%d" % os.getpid()
        yield {
            name: podman.start(name, python.root, command, "%dm" % limit)
            for name, command, limit in ((stem + "-leaks", leaking(python), 200),
                                         (stem + "-sleeps", [python.path, *SLEEPS], 100))  # fmt: skip
        }


def sweep(path, *args):
    run = subprocess.run([harness.TOOL, "sweep", "--no-color", "-q", "-v", "--json", str(path), *map(str, args)],
                         capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)  # fmt: skip
    assert run.returncode == 0, run.stderr
    report = json.loads(path.read_text())
    assert not harness.validate(report)
    return run.stdout, {p["pid"]: p for p in report["processes"]}


def until_named():
    """The first site has the leak's line, in two reports."""
    at = ["%s.py:%d " % (PROGRAM.name, n) for n in PROGRAM.guilty]
    return Until(lambda text: any(a in (sites_of(text) or [""])[0] for a in at), 2)


def check_memory(process, limit):
    memory = process["memory"]
    assert (memory["limit_source"], memory["limit_bytes"]) == ("cgroup", limit)
    assert 0 < memory["cgroup"]["current_bytes"] <= limit


def check_site(process, python):
    site = process["sites"][0]
    file, line = harness.blamed(site, PROGRAM, python.zoo_file(PROGRAM.name))
    assert file == python.zoo_file(PROGRAM.name) and line in PROGRAM.guilty, site["stack"]


def test_watched_by_the_pid_of_the_host(pair, python):
    (name, (number, pid)), _ = pair.items()
    run = harness.run_tool(pid, 12, until=until_named())
    assert run.rc == 0, run.stderr
    assert not harness.validate(run.report)
    (process,) = run.report["processes"]
    assert process["container"] == {"id": number, "name": name, "runtime": "podman", "pod": None, "namespace": None}
    assert process["ns_pid"] == 1 and process["pid"] == pid
    assert process["python"]["version"].startswith("3.13.")
    assert "in container " + name in run.stdout
    check_site(process, python)
    check_memory(process, 200 * MIB)


def words_for(pair):
    """(name, pid, words by which it is found): the first one by all, the other by its name."""
    (first, (number, pid)), (other, (_, other_pid)) = pair.items()
    return (first, pid, (first, number, number[:12])), (other, other_pid, (other,))


def test_selected_by_name_and_by_id(pair, tmp_path):
    for name, pid, words in words_for(pair):
        for wanted in words:
            # The first look at everybody takes longer where others are busy.
            for seconds in (3, 12, 48):
                text, found = sweep(tmp_path / "sweep.json", "-d", seconds, "--container", wanted)
                if found:
                    break
            assert set(found) == {pid}, found.keys()
            assert found[pid]["container"]["name"] == name and "in container " + name in text
        check_memory(found[pid], (200 if "leaks" in name else 100) * MIB)
        assert found[pid]["mode"] == "growth"
    for nobody in (["--container", "pyleak-test"], ["--pod", next(iter(pair))]):
        assert not sweep(tmp_path / "sweep.json", "-d", 2, *nobody)[1]


def tool(*args, before=()):
    return subprocess.run([*before, harness.TOOL, *map(str, args)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def pids(run):
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert not harness.validate(report)
    return [p["pid"] for p in report["processes"]]


def test_found_by_the_name_of_the_container(pair):
    """census, why and watch look for one process; its pid in there is answered with that of the host."""
    for name, pid, words in words_for(pair):
        for wanted in words:
            assert pids(tool("census", "--container", wanted, "--json", "-")) == [pid]
        run = tool("why", "--container", name, "--type", "module", "--top", "1")
        assert run.returncode == 0 and "process %d" % pid in run.stdout, run.stderr
    (leaks, (_, pid)), (other, (_, other_pid)) = pair.items()
    assert pids(tool("--container", leaks, "-d", "1", "-q", "--json", "-")) == [pid]

    run = tool("--container", leaks + "-not")
    assert run.returncode == 1 and leaks in run.stderr and other in run.stderr and "containers here: " in run.stderr
    run = tool("census", "-p", "1")
    inside = re.search("in a container that is the number of: (.*)", run.stderr)
    assert run.returncode == 1 and inside and ("-p %d (" % pid in inside[1] or "-p %d (" % other_pid in inside[1])
    assert "in container " + leaks in inside[1] or "in container " + other in inside[1]


def test_a_pod_is_found_by_its_name(python):
    """By the kubelet's directories of logs, also from within a pod of our own, which has others at that place."""
    uid, logs = "0a1b2c3d-4e5f-6071-8293-%012x" % os.getpid(), pathlib.Path("/var/log/pods")
    ours = [logs / ("shop_web-7d9f_" + uid)]
    if not logs.exists():
        ours.append(logs)
    with cgroup.group("kubepods") as g:
        inner = pathlib.Path(g.path) / ("pod" + uid) / ("3f5c0e1d" * 8)
        inner.mkdir(parents=True)
        ours[0].mkdir(parents=True)
        enter = cgroup.Group(str(inner), g.version).enter
        target = subprocess.Popen([python.path, *SLEEPS] if python.root == "/" else ["chroot", python.root, python.path, *SLEEPS],
                                  preexec_fn=enter, stdin=subprocess.DEVNULL)  # fmt: skip
        try:
            harness.wait_until(lambda: "python" in os.readlink("/proc/%d/exe" % target.pid))
            for wanted in ("shop/web-7d9f", "web-7d9f", uid):
                assert pids(tool("census", "--pod", wanted, "--json", "-")) == [target.pid]
            run = tool("census", "--pod", "other/web-7d9f")
            assert run.returncode == 1 and "pods here: " in run.stderr and "shop/web-7d9f" in run.stderr
            if os.access("/proc/1/root/var/log/pods", os.R_OK):  # else process 1 of this machine is closed to us
                hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /var/log && exec "$0" "$@"']
                assert pids(tool("census", "--pod", "shop/web-7d9f", "--json", "-", before=hidden)) == [target.pid]
        finally:
            target.kill()
            target.wait()
            for path in ours:
                path.rmdir()
            for path in (inner, inner.parent):
                harness.wait_until(lambda path=path: removed(path), 20)


def removed(path):
    """A group whose last process has just ended is kept for a moment."""
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def test_a_user_namespace(python):
    """Root inside is root of nothing outside; no runtime, so no name: but the files and the limit are right."""
    needs.user_namespace()
    with cgroup.group("userns") as g:
        g.limit(150 * MIB)
        with containers.unshared(python.root, " ".join(leaking(python)), g.enter) as pid:
            run = harness.run_tool(pid, 12, until=until_named())
    assert run.rc == 0, run.stderr
    (process,) = run.report["processes"]
    assert process["container"] is None and process["ns_pid"] == 1
    check_site(process, python)
    check_memory(process, 150 * MIB)

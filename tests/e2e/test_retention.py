# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Memory that is kept although nobody uses it: the class, and whose doing it is."""
import ast
import contextlib
import glob
import mmap
import os
import subprocess

import pytest

import cgroup
import harness
import pythons

PROGRAMS = os.path.join(pythons.ZOO, "retention")
SECONDS = 20


def truth(name, python):
    """TRUTH = {...}, as the program says it itself. Without the GIL Python's own allocator has the large blocks, too."""
    with open(os.path.join(PROGRAMS, name + ".py")) as f:
        tree = ast.parse(f.read())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "TRUTH":
            told = ast.literal_eval(node.value)
            if python.free_threaded and told["hint"] == "malloc-fragmentation":
                told["hint"] = "arena-fragmentation"
            return told
    raise AssertionError("%s says no truth" % name)


@contextlib.contextmanager
def running(python, name, args=(), **popen):
    """The pid to watch: the program tells it."""
    pythons.install_zoo(python)
    command = python.command("retention/" + name, list(args))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **popen)
    pids = [process.pid]
    try:
        ready = process.stdout.readline().split()
        assert ready[:1] == ["ready"], "%s did not start" % name
        pids += map(int, ready[1:])
        yield pids[-1]
        assert process.poll() is None, "%s ended early" % name
    finally:
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()
        process.stdout.close()


def watched(python, name, args=(), seconds=SECONDS, **popen):
    with running(python, name, args, **popen) as pid:
        run = harness.run_tool(pid, seconds)
    assert run.rc == 0, run.stderr
    assert not harness.validate(run.report)
    return run


def problem(run, name, python):
    """None, or what is wrong."""
    verdict = run.report["processes"][0]["verdict"]
    want = truth(name, python)
    told = {"class": verdict["class"], "hint": (verdict["hint"] or {}).get("code")}
    return None if told == want else "%s: %s, not %s: %s" % (name, told, want, verdict["reason"])


def huge_bytes():
    with open("/proc/self/smaps_rollup") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("AnonHugePages"))


def huge_pages_are_given():
    """A machine whose memory is all small pieces has none left: then nothing can be kept in them."""
    size = 16 << 20
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as m:
        m.madvise(mmap.MADV_HUGEPAGE)
        before = huge_bytes()
        for at in range(0, size, 2 << 20):
            m[at] = 1
        return huge_bytes() - before >= size // 2


def names():
    found = sorted(os.path.basename(p)[:-3] for p in glob.glob(PROGRAMS + "/*.py"))
    return [n for n in found if n != "page_cache"]  # has a test of its own


# The others' recordings are judged by `make test` (tests/judge).
CORE = ("cow_child", "malloc_pinned")


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in CORE else pytest.mark.matrix) for n in names()])
@pytest.mark.parametrize("python", [p for p in pythons.params([pythons.host()]) if not p.values[0].is_musl])
def test_culprits_are_named(python, name):
    if name == "huge_pages" and not huge_pages_are_given():
        # Pages that move meanwhile cannot be read: stacks of other tests' processes have been among them.
        with contextlib.suppress(OSError), open("/proc/sys/vm/compact_memory", "w") as f:
            f.write("1")
        if not huge_pages_are_given():
            pytest.skip("the kernel gives no huge pages")
    run = watched(python, name)
    assert problem(run, name, python) is None
    harness.keep_accepted(run.recording, "retention-%s-%s" % (name, python.name), run.report, [truth(name, python)["class"]])


@pytest.mark.parametrize("python", [p for p in pythons.debian_roots() if p.minor == 13], ids=lambda p: p.name)
def test_pages_of_mimalloc(python):
    run = watched(python, "arenas_pinned", env={**os.environ, "PYTHONMALLOC": "mimalloc"})
    assert problem(run, "arenas_pinned", python) is None
    assert "in mimalloc's pages" in run.report["processes"][0]["verdict"]["reason"]


def test_page_cache_of_the_group(tmp_path):
    directory = str(tmp_path)
    kind = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        directory = "/var/tmp"
    with cgroup.group("cache") as g:
        g.limit(1 << 30)
        run = watched(pythons.host(), "page_cache", [directory], preexec_fn=g.enter)
    assert problem(run, "page_cache", pythons.host()) is None
    assert run.report["processes"][0]["memory"]["cgroup"]["file_bytes"] > 20 << 20


@pytest.mark.matrix
@pytest.mark.parametrize("program", ["twin_sawtooth", "twin_cache"])
def test_ordinary_programs_retain_nothing(program):
    with harness.Target(pythons.host(), program) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, SECONDS)
    assert run.rc == 0, run.stderr
    verdict = run.report["processes"][0]["verdict"]
    assert verdict["class"] not in ("retention", "leak"), verdict["reason"]

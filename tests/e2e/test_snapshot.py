# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Snapshots and core files: the same answers as from the process, also where there is no Python."""
import contextlib
import functools
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import harness
import pytest
import pythons
import test_why


def with_gil(core):
    return [p for p in pythons.params(core) if not p.values[0].free_threaded]


ALL = with_gil([pythons.host()] + pythons.debian_roots())
OLD_AND_NEW = with_gil([pythons.host()] + pythons.debian_roots()[-1:])


def has_headers_first(python):
    """A core has the first page of a program, and with it the program headers, where they do not lie behind BOLT's code."""
    with open(python.root + python.path, "rb") as f:
        return struct.unpack_from("<Q", f.read(64), 32)[0] < 4096


def with_headers(params):
    return [p for p in params if has_headers_first(p.values[0])]


LIMIT_S = 120


def run(*args, prefix=(), codes=(0,)):
    done = subprocess.run([*prefix, *map(str, args)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=LIMIT_S, errors="replace")  # fmt: skip
    assert done.returncode in codes, (done.returncode, done.stdout[-500:], done.stderr[-500:])
    return done


def wait_stopped(pid):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        with open("/proc/%d/stat" % pid) as f:
            if f.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        time.sleep(0.05)
    raise AssertionError("it never stopped")


@functools.cache
def libraries():
    return {w for w in run("ldd", harness.TOOL).stdout.split() if w.startswith("/")}


def bare_root(where):
    """A root with the tool, the libraries it needs, and nothing else: no Python."""
    os.makedirs(where + "/tmp")
    for path in {harness.TOOL} | libraries():
        to = where + ("/pyleak-bpf" if path == harness.TOOL else path)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(path, to)
    return where


def census(*args, prefix=(), tool=None, out="/tmp/census.json", root=""):
    run(tool or harness.TOOL, "census", *args, "--json", out, prefix=prefix)
    with open(root + out) as f:
        report = json.load(f)
    os.unlink(root + out)
    assert harness.validate(report) == []
    return report["processes"][0]


def why(*args, prefix=(), tool=None):
    return run(tool or harness.TOOL, "why", "-q", *args, prefix=prefix).stdout


def table(process):
    return {t["name"]: (t["count"], t["bytes"]) for t in process["types"]}


class Saved:
    """One stopped program: answers from the process, and its snapshot and core below a bare root."""

    def __init__(self, python, where, allocator):
        self.root = bare_root(where + "/root")
        self.inside = self.root + "/tmp"
        pythons.install_zoo(python)
        # A thread's arena is 64 MiB of core in which next to nothing is.
        env = {**os.environ, "PYTHONMALLOC": allocator, "MALLOC_ARENA_MAX": "1"}
        with harness.Target(python, "snapshot_leak", env=env) as target:
            target.wait_ready()
            wait_stopped(target.pid)
            saved = run(harness.TOOL, "census", "-p", target.pid, "--save", self.inside + "/snap",
                        "--json", where + "/live.json")  # fmt: skip
            assert "saved" in saved.stdout
            with open(where + "/live.json") as f:
                report = json.load(f)
            assert harness.validate(report) == []
            self.live = report["processes"][0]
            self.live_why = why("-p", target.pid, "--type", "__main__.Session", "--watch", "0")
            run("gcore", "-o", self.inside + "/core", target.pid)
            os.rename(self.inside + "/core.%d" % target.pid, self.inside + "/core")

    def elsewhere(self, *source):
        return census(*source, prefix=("chroot", self.root), tool="/pyleak-bpf", root=self.root)

    def why_elsewhere(self, *source):
        return why(*source, "--type", "__main__.Session", prefix=("chroot", self.root), tool="/pyleak-bpf")


@pytest.fixture(scope="module", name="saved")
def saved_fixture():
    with contextlib.ExitStack() as stack:
        made = {}

        def get(python, allocator="default"):
            key = python, allocator
            if key not in made:
                made[key] = Saved(python, stack.enter_context(tempfile.TemporaryDirectory()), allocator)
            return made[key]

        yield get


@pytest.mark.parametrize("python", ALL)
def test_a_snapshot_has_the_same_census(saved, python):
    s = saved(python)
    there = s.elsewhere("--from", "/tmp/snap")
    assert table(there) == table(s.live)
    assert table(there)["__main__.Session"][0] == 5300
    assert there["gc"] == s.live["gc"]
    assert there["memory"]["pools"] == s.live["memory"]["pools"]
    for key in ("pid", "ns_pid", "ppid", "comm", "cmdline", "python"):
        assert there[key] == s.live[key]
    assert there["memory"]["rss_bytes"] == pytest.approx(s.live["memory"]["rss_bytes"], rel=0.02)
    for name, part in s.live["memory"]["parts"].items():
        assert there["memory"]["parts"][name]["bytes"] == pytest.approx(part["bytes"], rel=0.02, abs=256 << 10), name


def test_a_snapshot_is_saved_again(saved, tmp_path):
    """With the pages that it has: none is made that was never touched."""
    s = saved(pythons.host())
    again, out = tmp_path / "again", str(tmp_path / "again.json")
    first = census("--from", s.inside + "/snap", "--save", again, out=out)
    assert os.stat(again).st_size == pytest.approx(os.stat(s.inside + "/snap").st_size, rel=0.01)
    second = census("--from", again, out=out)
    assert table(second) == table(first) == table(s.live)
    assert second["memory"]["parts"] == first["memory"]["parts"]


def test_a_snapshot_of_mimalloc(tmp_path):
    """Its segments are found by the maps: those that were saved, not those of whoever has the number now."""
    roots = [p for p in pythons.debian_roots() if p.minor == 13]
    if not roots:
        pytest.skip("no root file system of Debian 13")
    code = "import time; x = [str(i) for i in range(50000)]; print(1, flush=True); time.sleep(1000)"
    command = ["chroot", roots[0].root, roots[0].path, "-S", "-c", code]
    env = {"PATH": os.environ["PATH"], "PYTHONMALLOC": "mimalloc"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as p:
        try:
            assert p.stdout.read(1) == b"1"
            run(harness.TOOL, "census", "-p", p.pid, "--save", tmp_path / "snap", "--json", tmp_path / "live.json")
        finally:
            p.kill()
    with open(tmp_path / "live.json") as f:
        live = json.load(f)["processes"][0]
    there = census("--from", tmp_path / "snap", out=str(tmp_path / "there.json"))
    assert table(there)["str"][0] >= 50000
    assert table(there) == table(live)
    for process in (live, there):
        assert process["memory"]["parts"]["python_live"]["bytes"] > 2 << 20


@pytest.mark.parametrize("python", ALL)
def test_a_snapshot_has_the_same_paths(saved, python):
    s = saved(python)
    assert "REGISTRY" in s.live_why
    assert s.why_elsewhere("--from", "/tmp/snap") == s.live_why


@pytest.mark.parametrize("python", with_headers(ALL))
def test_a_core_without_its_program(saved, python):
    """A core holds no constants: some static types of C modules have no name then, or another one."""
    s = saved(python)
    there = s.elsewhere("--core", "/tmp/core")
    assert there["lost"]["census_pools"] == 0
    seen, live = table(there), table(s.live)
    for name in ("__main__.Session", "__main__.Slotted", "dict", "list", "tuple", "str", "float", "set",
                 "function", "code", "bytearray", "cell", "builtin_function_or_method"):  # fmt: skip
        assert seen[name] == live[name], name
    same = sum(n for name, (n, _) in live.items() if seen.get(name) == live[name])
    assert same >= 0.95 * sum(n for n, _ in live.values())
    assert sum(n for n, _ in seen.values()) == sum(n for n, _ in live.values())
    assert there["gc"] == s.live["gc"]
    assert there["python"]["version"].split(".")[:2] == s.live["python"]["version"].split(".")[:2]
    assert there["memory"]["parts"] == {}


@pytest.mark.parametrize("python", with_headers(OLD_AND_NEW))
def test_a_core_with_debug_hooks(saved, python):
    """Each block begins with 16 bytes of theirs: that they are there has to be known without code, too."""
    s = saved(python, "debug")
    there = s.elsewhere("--core", "/tmp/core")
    assert s.live["python"]["allocator"] == there["python"]["allocator"] == "debug"
    assert there["lost"]["census_pools"] == s.live["lost"]["census_pools"] == 0
    seen, live = table(there), table(s.live)
    for name in ("__main__.Session", "__main__.Slotted", "dict", "list", "tuple", "str", "float", "function"):
        assert seen[name] == live[name], name
    assert sum(n for n, _ in seen.values()) == sum(n for n, _ in live.values())


@pytest.mark.parametrize("allocator, here", [
    ("default", False),
    ("debug", True),
    pytest.param("default", True, marks=pytest.mark.matrix),
    pytest.param("debug", False, marks=pytest.mark.matrix),
])
def test_a_core_whose_pools_are_not_found(saved, allocator, here):
    """Only what the collector tracks is counted then, and it is said: with its program and without."""
    numpy = pytest.importorskip("numpy")
    s = saved(pythons.host(), allocator)

    def edit(data):
        words, halves = (numpy.frombuffer(data, kind, len(data) // 8 * 8 // size) for kind, size in (("u8", 8), ("u4", 4)))
        at = numpy.flatnonzero(halves[5::2] - 1 < 64)  # where two words on pools are counted: 1 to 64
        start, carved_to = words[at], words[at + 1]
        # A sum that is too big for a word begins anew at 0, and is above no start.
        arenas = (start > 0) & (start & 0xFFF == 0) & (start < carved_to) & (carved_to <= start + (1 << 20))
        words[at[arenas]] = 0
        return data

    core, out = changed(s.inside + "/core", s.inside + "/poolless", edit), s.inside + "/poolless.json"
    tool, core_of_it, out_of_it = (harness.TOOL, core, out) if here else ("/pyleak-bpf", "/tmp/poolless", "/tmp/poolless.json")
    said = run(tool, "census", "--core", core_of_it, "--json", out_of_it, prefix=() if here else ("chroot", s.root)).stdout
    with open(out) as f:
        found = json.load(f)["processes"][0]
    assert found["lost"]["census_pools"] == 1
    assert found["memory"]["pools"] is None
    assert table(found)["__main__.Session"] == table(s.live)["__main__.Session"]
    assert "only what the collector tracks is counted" in " ".join(said.split())
    os.unlink(core)


@pytest.mark.parametrize("python", with_headers(ALL))
def test_a_core_has_the_same_paths(saved, python):
    s = saved(python)
    assert s.why_elsewhere("--core", "/tmp/core") == s.live_why


def test_a_core_that_does_not_say_whose_it_is(saved, tmp_path):
    """Without the note that has the pid: the answer names the file."""
    s = saved(pythons.host())

    def edit(data):
        data[data.index(struct.pack("<III", 5, 136, 3) + b"CORE\0") + 8] = 0x77  # another type of note
        return data

    core = changed(s.inside + "/core", str(tmp_path / "core"), edit)
    said = why("--core", core, "--type", "__main__.Session").splitlines()[0]
    assert said == s.live_why.splitlines()[0].replace("process %d" % s.live["pid"], core)
    refused("why", "--core", core, "--type", "Nothing", words=(core + " has no object of type Nothing",))


def test_a_core_that_lacks_program_headers(saved, tmp_path):
    """They lie at the file's end: what BOLT has rewritten may be so."""
    s = saved(pythons.host())

    def edit(data):
        at = data.index(b"\x7fELF", 1)
        while at >= 0:
            struct.pack_into("<Q", data, at + 32, 10 << 20)
            at = data.find(b"\x7fELF", at + 1)
        return data

    core = changed(s.inside + "/core", str(tmp_path / "core"), edit)
    refused("census", "--core", core, words=("no CPython is found in what was saved of it", "--sysroot DIR"))


@pytest.mark.parametrize("python", with_headers(ALL))
def test_a_core_with_its_program(saved, python):
    s = saved(python)
    here = census("--core", s.inside + "/core", out=s.inside + "/here.json")
    assert table(here) == table(s.live)
    assert here["python"] == s.live["python"]


# The object that it keeps lies in a page that the loader zeroed, behind data that is never touched.
FAR_STATIC = """
#include <Python.h>
static PyObject *kept __attribute__((aligned(4096)));
__attribute__((used)) static char untouched[1 << 20] = {1};
#include "%s/retain.c"
"""


@pytest.mark.parametrize("program", ("signal_handler", "c_static"))
def test_what_zeroed_data_holds(program, tmp_path):
    """A variable that begins as zero has no place in any file: neither CPython's nor an extension's."""
    if program == "c_static":
        source = tmp_path / "far.c"
        source.write_text(FAR_STATIC % test_why.WHY)
        test_why.build_extension(str(tmp_path), str(source))
    snap, core = tmp_path / "snap", tmp_path / "core"
    ask = ("--type", "__main__.Leaked")
    with test_why.running(pythons.host(), program, extensions=str(tmp_path)) as process:
        os.kill(process.pid, signal.SIGSTOP)
        wait_stopped(process.pid)
        run(harness.TOOL, "census", "-p", process.pid, "--save", snap)
        live = why("-p", process.pid, "--watch", "0", *ask)
        run("gcore", "-o", core, process.pid)
        core = "%s.%d" % (core, process.pid)
    assert test_why.truth(program)["ROOT"][0] in live
    assert why("--from", snap, *ask) == live
    assert why("--core", core, *ask) == live


def refused(*args, words=()):
    done = run(harness.TOOL, *args, codes=(1, 2))
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1 and done.stdout == "", (done.stdout, done.stderr)
    for word in words:
        assert word in lines[0], lines[0]


def changed(path, to, edit):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    with open(to, "wb") as f:
        f.write(edit(data))
    return to


def test_damaged_files_are_refused(saved, tmp_path):
    s = saved(pythons.host())
    snap, core, bad = s.inside + "/snap", s.inside + "/core", str(tmp_path / "bad")

    def flip(at):
        def edit(data):
            data[at] ^= 0x40
            return data

        return edit

    for share in (0.0001, 0.3, 0.999):
        changed(snap, bad, lambda d, share=share: d[: int(len(d) * share)])
        refused("census", "--from", bad, words=("cut short",) if share > 0.01 else ())
        changed(core, bad, lambda d, share=share: d[: int(len(d) * share)])
        refused("census", "--core", bad, words=("cut short",) if share > 0.01 else ())
    refused("census", "--from", changed(snap, bad, flip(3)), words=("no snapshot",))
    refused("census", "--from", changed(snap, bad, flip(8)), words=("version",))
    refused("census", "--from", changed(snap, bad, flip(30)), words=("damaged",))
    refused("census", "--core", changed(core, bad, flip(1)), words=("not a core file",))
    refused("census", "--core", harness.TOOL, words=("no core file",))
    refused("census", "--core", snap, words=("not a core file",))
    refused("census", "--from", core, words=("no snapshot",))
    refused("census", "--from", str(tmp_path / "missing"), words=("cannot open",))
    refused("census", "--from", str(tmp_path), words=("not a regular file",))
    refused("census", "--from", snap, "--core", core, words=("one of the three",))


def test_a_damaged_block_is_missing_memory(saved, tmp_path):
    """Behind the heads a block is checked when it is read: the rest of the file still answers."""
    s = saved(pythons.host())
    bad = str(tmp_path / "bad")
    record = struct.Struct("<IIQQQQ")

    def edit(data):
        at, blocks = 24, []
        while at < len(data):
            kind, runs, _, stored, _, _ = record.unpack_from(data, at)
            at += record.size + 16 * runs
            if kind == 5:
                blocks.append(at)
            at += stored
        # One in the middle of the heap: whoever is looked for first lies elsewhere.
        data[blocks[len(blocks) // 2] + 9] ^= 0xFF
        return data

    changed(s.inside + "/snap", bad, edit)
    done = run(harness.TOOL, "census", "--from", bad, codes=(0, 1))
    assert done.returncode == 0 or len(done.stderr.strip().split("\n")) == 1


def test_a_snapshot_is_for_its_owner(saved):
    assert os.stat(saved(pythons.host()).inside + "/snap").st_mode & 0o777 == 0o600


def test_saving_where_nothing_can_be_written(tmp_path):
    with subprocess.Popen([pythons.HOST, "-c", "import time; time.sleep(100)"]) as p:
        try:
            time.sleep(0.5)
            refused("census", "-p", p.pid, "--save", str(tmp_path / "no" / "such"), words=("cannot write",))
            assert list(tmp_path.iterdir()) == []
        finally:
            p.kill()

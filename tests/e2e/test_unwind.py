# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Stacks of stopped threads: what the tool unwinds from a copy is what gdb says."""
import json
import os
import random
import signal
import subprocess
import tempfile
import time

import pytest

import harness
import native_ext
import pythons

GDB_SCRIPT = os.path.join(pythons.HERE, "gdb_stacks.py")
HEAD = """
import sys, threading, time
def forever(f):
    while True:
        f()
def start(*functions):
    for f in functions * 2:
        threading.Thread(target=forever, args=(f,), daemon=True).start()
"""
TAIL = """
with open(sys.argv[1], "w") as ready:
    ready.write("x")
time.sleep(600)
"""
PROGRAMS = {
    "recursion": """
def down(n):
    return sorted([3, 1, 2], key=lambda x: down(n - 1) if n else x)[0]
def maps():
    return list(map(lambda x: max([x, 2], key=lambda y: -y), range(50)))
start(lambda: down(12), maps)
""",
    "generators": """
def count(n):
    yield from (count(n - 1) if n else range(30))
class Slow:
    def __iter__(self): return count(5)
    def __lt__(self, other): return sum(count(3)) < 0
start(lambda: sum(Slow()), lambda: sorted([Slow() for _ in range(9)]))
""",
    "ssl": """
import hashlib, ssl
def handshake():
    context = ssl.create_default_context()
    a, b, c, d = (ssl.MemoryBIO() for _ in range(4))
    s = context.wrap_bio(a, b, server_hostname="localhost")
    try: s.do_handshake()
    except ssl.SSLWantReadError: pass
start(handshake, lambda: hashlib.pbkdf2_hmac("sha256", b"x", b"y", 3000))
""",
    "numpy": """
import numpy
start(lambda: numpy.linalg.svd(numpy.random.rand(60, 60)), lambda: numpy.sort(numpy.random.rand(50000)),
      lambda: numpy.fromfunction(numpy.vectorize(lambda i: i * 2), (300,)))
""",
    "lxml": """
from lxml import etree
text = "<a>" + "<b c='d'>e</b>" * 300 + "</a>"
start(lambda: etree.fromstring(text), lambda: etree.tostring(etree.XML(text).xpath("//b")[7]))
""",
    "sqlite": """
import json, re, sqlite3, zlib
def query():
    db = sqlite3.connect(":memory:")
    db.create_function("f", 1, lambda x: re.sub("1", "2", str(x)))
    db.execute("with recursive t(x) as (select 1 union all select x + 1 from t limit 400) select max(f(x)) from t").fetchall()
start(query, lambda: zlib.compress(b"abcd" * 20000, 9), lambda: json.dumps([{"a": [1, 2, 3]}] * 500, indent=1))
""",
    "exceptions": """
sys.path.insert(0, sys.argv[2])
import leaky_cpp, leaky_debug
def fails(n):
    try:
        if n: leaky_debug.call(lambda: fails(n - 1))
        raise KeyError(n)
    except KeyError as e:
        return str(e)
start(lambda: fails(20), leaky_cpp.throw_far, leaky_cpp.throw_far)
""",
    "pictures": """
import io
from PIL import Image
image = Image.effect_noise((200, 200), 40)
def save():
    image.rotate(33).save(io.BytesIO(), "PNG")
start(save, lambda: image.resize((90, 90), Image.LANCZOS).convert("RGB"))
""",
}


def wait_stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        states = []
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/stat" % (pid, tid)) as f:
                states.append(f.read().rpartition(")")[2].split()[0])
        if set(states) == {"T"}:
            return
        time.sleep(0.005)
    raise AssertionError("it does not stop: %s" % states)


def our_stacks(helper, pid):
    out = subprocess.run([helper, str(pid)], capture_output=True, text=True, timeout=60, check=True).stdout
    stacks = {}
    for line in out.splitlines():
        tid, end, *frames = line.split(" ")
        cut = [f.split(":") for f in frames if f]
        stacks[int(tid)] = [(int(c[0], 16), c[1], ":".join(c[2:])) for c in cut]
    return stacks


def gdb_stacks(pid):
    # Tables to unwind by are in the files themselves; debug information, which it takes seconds to read, would give names.
    out = subprocess.run(["gdb", "-q", "-nx", "-batch", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off",
                          "-iex", "set debug-file-directory /nonexistent", "-p", str(pid), "-x", GDB_SCRIPT],
                         capture_output=True, text=True, timeout=120)  # fmt: skip
    rows = [json.loads(line[6:]) for line in out.stdout.splitlines() if line.startswith("STACK ")]
    assert rows, out.stdout + out.stderr
    return {r["tid"]: r for r in rows}


def code_of(pid):
    """Where the process has code, as ranges of addresses."""
    with open("/proc/%d/maps" % pid) as f:
        rows = [line.split(None, 2) for line in f]
    return [tuple(int(a, 16) for a in row[0].split("-")) for row in rows if "x" in row[1]]


def is_lost(frames, code):
    """Has it named an address where no code is? _Unwind_RaiseException, once it has put the registers
    of the catching function in place of its own, is described by no table: gdb goes on through the
    heap there."""
    return any(not any(start <= f[0] < end for start, end in code) for f in frames)


def same_pcs(ours, theirs):
    """We name the byte before the return address for callers."""
    return len(ours) == len(theirs) and all(a[0] in (b[0], b[0] - 1) for a, b in zip(ours, theirs))


def plain(name):
    """gdb gives parameters and template arguments too."""
    return name.split("(")[0].split("<")[0].split(" [")[0].split("@")[0].split(".")[0].lstrip("_")


def names_agree(ours, theirs):
    """One address may have several names; a name that one of us does not know is no contradiction."""
    return sum(bool(a[2] and b[1]) and plain(a[2]) != plain(b[1]) for a, b in zip(ours, theirs))


class Tally:
    def __init__(self):
        self.stacks = self.same = self.frames = self.named = self.other_name = self.lost = 0
        self.differences = []

    def add(self, ours, theirs, code):
        assert not is_lost(ours, code), ours
        if is_lost(theirs["frames"], code):
            self.lost += 1
            return
        self.stacks += 1
        self.frames += len(ours)
        self.named += sum(bool(f[2]) for f in ours)
        self.other_name += names_agree(ours, theirs["frames"])
        if same_pcs(ours, theirs["frames"]):
            self.same += 1
        else:
            self.differences.append((ours, theirs))


def compare(names, stops, helper, where):
    ready = os.path.join(where, names[0])
    text = HEAD + "".join(PROGRAMS[name] for name in names) + TAIL
    target = subprocess.Popen([pythons.HOST, "-B", "-c", text, ready, where])
    tally = Tally()
    try:
        harness.wait_file(ready, target)
        for _ in range(stops):
            time.sleep(0.05 + 0.1 * random.random())
            wait_stopped(target.pid)
            ours, theirs, code = our_stacks(helper, target.pid), gdb_stacks(target.pid), code_of(target.pid)
            os.kill(target.pid, signal.SIGCONT)
            for tid in ours.keys() & theirs.keys():
                tally.add(ours[tid], theirs[tid], code)
    finally:
        target.kill()
        target.wait()
    return tally


@pytest.fixture(scope="module")
def helper():
    path = os.path.join(harness.BUILD, "tests/kern/unwind_live")
    if not os.path.exists(path):
        subprocess.run(["make", "-s", "-C", harness.TOP, "O=" + harness.BUILD, path], check=True, timeout=300)
    return path


@pytest.fixture(scope="module")
def where():
    with tempfile.TemporaryDirectory(prefix="pyleak-unwind-") as path:
        native_ext.compile_ext(path, "leaky_debug", "leaky.c", "/usr/include/python3.11", "-g")
        native_ext.compile_ext(path, "leaky_cpp", "cache.cpp", "/usr/include/python3.11")
        yield path


def test_same_frames_as_gdb(helper, where, full):
    """At least 98 % identical: each frame's address, and none too many. Where gdb itself goes astray,
    which is rare, ours must not."""
    # A stop is as dear with fifteen threads as with five: in the core set three programs are one process.
    groups = [[name] for name in sorted(PROGRAMS)] if full else [["exceptions", "recursion", "ssl"]]
    rows = {names[0]: compare(names, 14 if full else 2, helper, where) for names in groups}
    print("%-12s %8s %8s %8s %8s %8s %8s" % ("program", "stacks", "same", "frames", "named", "differ", "lost"))
    for name, t in rows.items():
        print("%-12s %8d %8d %8d %8d %8d %8d"
              % (name, t.stacks, t.same, t.frames, t.named, t.other_name, t.lost))  # fmt: skip
    for name, t in rows.items():
        for ours, theirs in t.differences[:3]:
            print(name, theirs["why"])
            for i in range(max(len(ours), len(theirs["frames"]))):
                print("   ", ours[i] if i < len(ours) else "-",
                      theirs["frames"][i] if i < len(theirs["frames"]) else "-")  # fmt: skip
    stacks = sum(t.stacks for t in rows.values())
    assert stacks >= (200 if full else 20)
    assert sum(t.lost for t in rows.values()) <= 0.1 * stacks
    assert sum(t.same for t in rows.values()) >= 0.98 * stacks

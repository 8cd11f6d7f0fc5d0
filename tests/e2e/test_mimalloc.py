# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The census of heaps that CPython's mimalloc keeps: free-threaded builds, and others with PYTHONMALLOC.
The program knows its populations; part of them were made by a thread that has ended."""
import contextlib
import json
import os
import subprocess

import pytest

import harness
import pythons

PROGRAM = """
import gc, json, sys, threading
class Plain:
    def __init__(self, i):
        self.i, self.text = i * 1.5, "plain %d" % i
class Slotted:
    __slots__ = ("a",)
    def __init__(self, i):
        self.a = i * 2.5
class Items(list): pass
class Table(dict): pass
class Pair(tuple): pass
keep = []
def fill(n):
    keep.append([Plain(i) for i in range(n)])
    keep.append([Slotted(i) for i in range(n + 1)])
    keep.append([Items([i]) for i in range(n + 2)])
    keep.append([Table(a=i) for i in range(n + 3)])
    keep.append([Pair((str(i), i)) for i in range(n + 4)])
    keep.append([b"%d" % i + bytes(3000) for i in range(n // 10)])
    keep.append([bytearray(150000) for i in range(20)])
    keep.append([i * 3.25 for i in range(20 * n)])
    keep.append(["text of %d" % i for i in range(20 * n)])
fill(3000)
t = threading.Thread(target=fill, args=(2000,))
t.start()
t.join()
drop = [Plain(i) for i in range(5000)]  # holes, and objects on free lists
del drop
gc.collect()
own = {"__main__." + c.__name__: sum(type(o) is c for o in gc.get_objects())
       for c in (Plain, Slotted, Items, Table, Pair)}
print(json.dumps({"own": own, "float": 20 * 5000 + 5000 + 5002, "str": 20 * 5000 + 5000 + 5008,
                  "bytes": [500, 500 * sys.getsizeof(bytes(3000))],
                  "bytearray": [40, 40 * 150001]}), flush=True)
sys.stdin.readline()
"""


def cells():
    found = [(p, None) for p in pythons.free_threaded()]
    found += [(p, "debug") for p in pythons.free_threaded()]
    found += [(p, "mimalloc") for p in pythons.debian_roots() if p.minor >= 13]
    found += [(p, "mimalloc_debug") for p in pythons.debian_roots() if p.minor == 14]
    return found


@contextlib.contextmanager
def program(python, allocator):
    command = [python.path, "-B", "-c", PROGRAM]
    if python.root:
        command = ["chroot", python.root] + command
    env = dict(os.environ, **({"PYTHONMALLOC": allocator} if allocator else {}))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as p:
        try:
            yield p.pid, json.loads(p.stdout.readline())
        finally:
            p.kill()


def census(pid):
    done = subprocess.run([harness.TOOL, "census", "-p", str(pid), "--json", "-"], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)["processes"][0]


@pytest.mark.parametrize("python,allocator", cells(), ids=lambda x: x.name if hasattr(x, "name") else str(x))
def test_populations(python, allocator):
    if os.geteuid():
        pytest.skip("needs root")
    with program(python, allocator) as (pid, truth):
        got = census(pid)
    # The program rests: no page can change while it is read.
    assert not got["lost"]["census_torn"], got["lost"]
    types = {t["name"]: t for t in got["types"]}
    assert {name: types[name]["count"] for name in truth["own"]} == truth["own"]
    for name in ("float", "str"):
        # The interpreter's own objects come on top: some thousand names, a few floats.
        assert truth[name] * 0.999 <= types[name]["count"] <= truth[name] + 30000, name
    for name in ("bytes", "bytearray"):
        count, size = truth[name]
        assert count <= types[name]["count"], name
        assert types[name]["bytes"] >= size * 0.98, name
        assert types[name]["bytes"] <= size * 1.02 + (4 << 20) * (name == "bytes"), name
    assert got["python"]["free_threaded"] == python.free_threaded

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Roots that hold what they point to, and those that do not."""
import contextlib
import json
import os
import subprocess

import native_ext
import pytest
import pythons
from test_why import ask, why

APPS = os.path.join(os.path.dirname(pythons.HERE), "services", "apps")


@contextlib.contextmanager
def program(python, text, **environment):
    """It runs, and has said that it is ready: (its process, its first line)."""
    command = ["chroot", python.root] if python.root else []
    process = subprocess.Popen(command + [python.path, "-c", text], stdout=subprocess.PIPE, text=True, **environment)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


NAMES = """import gc, time
gc.disable()
class T: pass
def cycle(i):
    t = T()
    setattr(t, "name%d" % i, t)
    return id(next(iter(t.__dict__)))
names = [hex(cycle(i)) for i in range(4000)]
print(names[2000], flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("python", [pythons.host()] + [p for p in pythons.debian_roots() if p.minor >= 13], ids=lambda p: p.name)
def test_the_table_of_names_is_no_holder(python):
    with program(python, NAMES) as (process, name):
        path = ask(process.pid, "--addr", name)["paths"][0]
    assert path["root"] == "cycle", path["path"]


# Tables of dicts that are gone are kept for the next ones, with what was in them.
KEPT_TABLES = """import gc, time
gc.disable()
class T: pass
def waste():
    t = T()
    t.me = t
    return {"a": t}
def addresses():
    dicts = [waste() for i in range(60)]
    return [hex(id(d["a"])) for d in dicts]
print(",".join(addresses()), flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("python", [p for p in pythons.debian_roots() if p.minor >= 13] + pythons.free_threaded(), ids=lambda p: p.name)
def test_a_free_list_of_mimalloc_is_no_holder(python):
    with program(python, KEPT_TABLES, env={**os.environ, "PYTHONMALLOC": "mimalloc"}) as (process, addresses):
        paths = ask(process.pid, "--addr", addresses)["paths"]
    assert [p["root"] for p in paths] == ["cycle"], paths


# A frame object holds what a tracer has set; from 3.13 on variables that only its f_locals has, from 3.14 on those that were overwritten there.
OF_FRAMES = """import sys, time
class T: pass
def keep(frame, addresses):
    names = frame.f_locals
    frame.f_trace = T()
    addresses.append(id(frame.f_trace))
    if sys.version_info >= (3, 13):
        names["new"] = T()
        addresses.append(id(names["new"]))
    if sys.version_info >= (3, 14):
        addresses.append(id(names["old"]))
        names["old"] = None
def ends():
    old, addresses = T(), []
    keep(sys._getframe(), addresses)
    return sys._getframe(), addresses
def stays(addresses):
    old = T()
    keep(sys._getframe(), addresses)
    print(",".join(map(hex, addresses)), flush=True)
    time.sleep(1000)
ENDED, addresses = ends()
stays(addresses)
"""


@pytest.mark.parametrize("python", [pythons.host()] + [p for p in pythons.debian_roots() if p.minor >= 13], ids=lambda p: p.name)
def test_what_frame_objects_hold(python):
    with program(python, OF_FRAMES) as (process, addresses):
        paths = [ask(process.pid, "--addr", a)["paths"][0]["path"] for a in addresses.split(",")]
    held = len(paths) // 2
    assert held == {11: 1, 13: 2}.get(python.minor, 3), addresses
    assert [p.partition(" (frame of ")[0] for p in paths] == ["module __main__ :: ENDED"] * held + ["frame stays :: (temporary)"] * held, paths


# Before Linux 6.7, and on musl, the kernel puts a thread's stack right below the last arena, and both are one row of maps.
BESIDE = """import ctypes, gc, time
gc.disable()
class Leaked: pass
def waste():
    items = [Leaked()]
    items.append(items)
    return id(items)
places = [waste() for i in range(100000)]
def row(address):
    for line in open("/proc/self/maps"):
        start, end = (int(x, 16) for x in line.split()[0].split("-"))
        if start <= address < end:
            return start
c, size = ctypes.CDLL(None), 1 << 20
c.mmap.restype, c.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
for arena in {row(p) for p in places[::1000]}:
    stack = c.mmap(arena - size, size, 3, 0x100022, -1, 0)  # MAP_FIXED_NOREPLACE
    if stack == arena - size:
        break
attributes, thread = ctypes.create_string_buffer(64), ctypes.c_ulong()
c.pthread_attr_init(attributes)
c.pthread_attr_setstack(attributes, ctypes.c_void_p(stack), ctypes.c_size_t(size))
@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def run(_):
    print("one row" if row(stack) == row(arena) else "two rows", flush=True)
    time.sleep(1000)
c.pthread_create(ctypes.byref(thread), attributes, run, None)
time.sleep(1000)
"""


def test_arenas_behind_a_stack_are_no_part_of_it():
    with program(pythons.host(), BESIDE) as (process, said):
        assert said == "one row"
        paths = ask(process.pid, "--type", "Leaked")["paths"]
    assert [p["root"] for p in paths] == ["cycle"], [p["path"] for p in paths]


WAITING = """import greenlet, time
class Leaked: pass
hub = greenlet.getcurrent()
def step():
    yield hub.switch()
def work(n):
    x = Leaked()
    if n:
        work(n - 1)
    next(step())
waiting = [greenlet.greenlet(work) for i in range(100)]
for g in waiting:
    g.switch(2)
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("python", pythons.with_servers(), ids=lambda p: p.name)
def test_variables_of_greenlets_that_wait(python):
    """Their frames lie in memory that is no block, and in no thread's chain."""
    with program(python, WAITING) as (process, said):
        assert said == "ready"
        answer = ask(process.pid, "--type", "Leaked")
    assert [(p["share"], p["path"]) for p in answer["paths"]] == [(1, "frame work :: x (__main__.Leaked)")]
    assert answer["objects"] == 300


IN_C = """import ctypes, time
class Leaked: pass
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
slots = (ctypes.c_void_p * 300).from_address(c.malloc(8 * 300))
for i in range(300):
    leaked = Leaked()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(leaked))
    slots[i] = id(leaked)
del leaked
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("malloc", ["glibc", "jemalloc", "tcmalloc"])
def test_what_another_malloc_has_may_be_held(malloc, tmp_path):
    """Blocks of glibc's malloc alone are found; those of another may hold what nothing else does."""
    with program(pythons.host(), IN_C, env=native_ext.preload(malloc)) as (process, said):
        assert said == "ready"
        text = why("-p", process.pid, "--watch", "0", "--type", "Leaked", "--json", tmp_path / "answer").stdout
    paths = json.loads((tmp_path / "answer").read_text())["paths"]
    roots = [p["root"] for p in paths if p["share"] > 0.1]
    assert roots == (["module"] if malloc == "glibc" else []), paths
    assert ("not all memory of C code was searched" in text) == (malloc != "glibc")


SPLIT = IN_C.replace("c.malloc(8 * 300)", "split(c.malloc(16 << 20))").replace("slots =", """
def split(block):  # as numpy does behind the header of what is large
    assert not c.madvise(ctypes.c_void_p(block - 16 + 4096), ctypes.c_size_t(8 << 20), 16)
    return block
slots =""")


def test_a_block_that_is_several_mappings_is_one():
    with program(pythons.host(), SPLIT) as (process, said):
        assert said == "ready"
        paths = ask(process.pid, "--type", "Leaked")["paths"]
    assert [p["root"] for p in paths if p["share"] > 0.1] == ["module"], paths


WRAPPERS = """import gc, shop_pybind11, time
gc.set_threshold(0)
class Kept(shop_pybind11.Order): pass
class Round(shop_pybind11.Order): pass
class Lost(shop_pybind11.Order): pass
class Pair(shop_pybind11.Basket): pass
def turn():
    r = Round(1)
    r.back = r
def pair():
    a, b = Pair(), Pair()
    a.add(b)
    b.add(a)
shelf = [Kept(i) for i in range(300)]
for level in range(12):
    shelf = {"under": shelf}
for i in range(300):
    turn()
    pair()
    shop_pybind11.echo(Lost(i))
print("ready", flush=True)
time.sleep(1000)
"""


def test_who_knows_all_wrappers_holds_none(tmp_path):
    """pybind11 finds the wrapper of each object of C++ by its address, on a path that is shorter than that to what is deep in
    dicts; what nothing else holds is lost, or in a cycle."""
    if not os.path.exists("/usr/include/pybind11/pybind11.h"):
        pytest.skip("needs pybind11-dev")
    native_ext.run("g++", "-O0", "-fPIC", "-shared", "-std=c++17", "-fvisibility=hidden", "-I/usr/include/python3.11", "-o",
                   tmp_path / "shop_pybind11.so", os.path.join(APPS, "shop_pybind11.cpp"))  # fmt: skip
    with program(pythons.host(), WRAPPERS, env={**os.environ, "PYTHONPATH": str(tmp_path)}) as (process, said):
        assert said == "ready"
        found = {t: ask(process.pid, "--type", t)["paths"] for t in ("Kept", "Round", "Lost", "Pair")}
        text = why("-p", process.pid, "--watch", "0", "--type", "Pair").stdout
    assert [p["path"].split(" (")[0] for p in found["Kept"]] == ["module __main__ :: shelf"], found
    assert [p["root"] for p in found["Round"]] == ["cycle"], found
    assert [p["root"] for p in found["Lost"]] == ["unreferenced"], found
    assert [p["root"] for p in found["Pair"]] == ["cycle"], found
    assert "by way of memory of C code" in text, text

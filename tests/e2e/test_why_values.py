# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Values that hold what they point to, and those in which an address is but a number."""
import subprocess

import pytest
import pythons
from test_why import ask
from test_why_roots import program

# In a program that is not relocated a class lies below 2^30: then the one digit of its address is the address.
NUMBERED = """import array, ctypes, decimal, numpy, time
class T: pass
class Hex(bytes): pass
class Text(str): pass
SHOP = {"classes": {"open": {"by day": [T]}}}
%s
print(id(T), flush=True)
del T
time.sleep(1000)
"""
# An int is a number by itself; the others have memory in which it is a word that is an address.
NUMBERS = ("[id(T)]", "array.array('q', [id(T)])", "numpy.array([id(T)])", "numpy.array([id(T)] * 1000)",
           "bytearray(id(T).to_bytes(8, 'little') * 8)", "Hex(id(T).to_bytes(8, 'little') * 8)",
           "Text((id(T).to_bytes(8, 'little') * 8).decode('latin-1'))", "memoryview(array.array('q', [id(T)] * 1000))",
           "decimal.Decimal(id(T))", "numpy.int64(id(T))", "numpy.array([(id(T), 1)] * 1000, 'i8,i8')",
           "(ctypes.c_long * 1000)(id(T))")  # fmt: skip


def paths_to_the_addresses_of(text, n, *by):
    """The program prints addresses, and waits."""
    process = subprocess.Popen([*by, pythons.HOST, "-c", text], stdout=subprocess.PIPE, text=True)
    try:
        addresses = [hex(int(process.stdout.readline())) for _ in range(n)]
        answer = ask(process.pid, "--addr", ",".join(addresses), "--top", n)
        assert answer["gone"] == 0, answer
        return [p["path"] for p in answer["paths"]]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def path_to_the_address_of(text, *by):
    return paths_to_the_addresses_of(text, 1, *by)[0]


def test_a_number_holds_nothing():
    """Any of them that were taken for a holder is nearer than the shop."""
    numbers = "\n".join("N%d = %s" % (i, value) for i, value in enumerate(NUMBERS))
    path = path_to_the_address_of(NUMBERED % numbers)
    assert "SHOP" in path and "int" not in path.split(), path


# A block of C code, which has garbage, lies where the flags of a class seem to point: the heap begins at a fixed address,
# and is made so long.
FLAGS = """import ctypes, gc, time
gc.disable()
class T: pass
%s
FLAGS = C.__flags__
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.mallopt(-4, 0)  # M_MMAP_MAX
last = 0
for size in 5000000, 300000:
    while last < FLAGS - 3 * size:
        last = libc.malloc(size)
room = ctypes.c_size_t.from_address(last - 8).value & ~7
libc.malloc(FLAGS - last - room - 16)
block = libc.malloc(60000)
assert block == FLAGS
t = T()
t.me = t
ctypes.c_void_p.from_address(block).value = id(t)
print(id(t), flush=True)
del t
time.sleep(1000)
"""


def test_the_flags_of_a_class_hold_nothing():
    for made in ("C = list", "class C(list): pass"):
        path = path_to_the_address_of(FLAGS % made, "setarch", "-R")
        assert path.startswith("cycle: __main__.T"), (made, path)


# Each value is in a variable of its own, and the address of a part of it is asked for.
HELD_BY_VALUES = """import array, collections, ctypes, decimal, numpy, sys, time
class T: pass
class Hex(bytes): pass
class Text(str): pass
class Count(int): pass
async def waits():
    await object()
def put(v, t):
    v.kept = t
    return id(t)
%s
sys.stdout.flush()
time.sleep(1000)
"""
# These hold an object, or own the block that is asked for, all the same.
HOLDING = (("Hex(b'x' * 50)", "put(V, T())"), ("Count(-1 << 70)", "put(V, T())"), ("numpy.array([T()] * 1000)", "id(V[0])"),
           ("numpy.arange(1000)", "V.ctypes.data"), ("numpy.arange(9000)", "V.ctypes.data + 4096"),
           ("numpy.array([(T(), 1)] * 1000, 'O,i8')", "id(V[0][0])"), ("Text('x' * 50)", "put(V, T())"),
           ("array.array('q', range(1000))", "V.buffer_info()[0]"), ("(ctypes.c_long * 1000)()", "ctypes.addressof(V)"),
           ("(ctypes.c_char * 1000)()", "put(V, T())"), ("decimal.Decimal(7 ** 500)", "ctypes.c_void_p.from_address(id(V) + 64).value"),
           ("bytearray(8000)", "ctypes.addressof(ctypes.c_char.from_buffer(V))"))  # fmt: skip
# The table of a list and of a dict, a block of a deque, and the frame of a coroutine that was asked for it, are no entry.
PARTS = (("[(i,) for i in range(1000)]", "ctypes.c_long.from_address(id(V) + 24).value", " → memory of C code"),
         ("{i: (i,) for i in range(1000)}", "ctypes.c_long.from_address(id(V) + 32).value", " → memory of C code"),
         ("collections.deque()", "ctypes.c_long.from_address(id(V) + 24).value", " → memory of C code"),
         ("waits()", "id(V.cr_frame)", " → frame of waits"))  # fmt: skip
# A DataFrame has a transposed view of all that it was made of; a column of many is a small one.
VIEWS = (("numpy.ones((1000, 4)).T", "base", True), ("numpy.ones((1000, 4))[:10]", "base", False), ("numpy.ones((1000, 4))[:, 0]", "base", False),
         ("numpy.ones(1000, 'i4').view('i1')", "base", True), ("numpy.frombuffer(bytes(8000), 'f8')", "base", True),
         ("numpy.frombuffer(bytes(8000), 'f8', 10)", "base", False), ("memoryview(bytearray(8000))", "obj", True),
         ("memoryview(bytes(range(256)) * 30)[10:20]", "obj", False))  # fmt: skip


def test_what_values_hold():
    """Numbers and arrays, parts of containers, views of all of their base and of a part of it."""
    rows = [*HOLDING, *[(value, address) for value, address, _ in PARTS], *[(value, "id(V.%s)" % name) for value, name, _ in VIEWS]]
    lines = ["V%d = %s\nprint(%s)" % (i, value, address.replace("V", "V%d" % i)) for i, (value, address) in enumerate(rows)]
    paths = paths_to_the_addresses_of(HELD_BY_VALUES % "\n".join(lines), len(rows))
    found = {int(p.partition(" :: V")[2].split(" ")[0]): p for p in paths if p.startswith("module __main__ :: V")}
    assert sorted(found) == list(range(len(rows))) and len(paths) == len(rows), paths
    of_the_rest = [found[i] for i in range(len(HOLDING), len(rows))]
    for (value, _, behind), path in zip(PARTS, of_the_rest):
        assert path.endswith(")" + behind) and path.count(" → ") == 1, (value, path)
    for (value, attribute, is_whole), path in zip(VIEWS, of_the_rest[len(PARTS) :]):
        assert (", all of its base" in path) == is_whole and "→ .%s (" % attribute in path, (value, path)


# A deque has its items in a block of its own, to which it points behind its header.
IN_A_CYCLE = """import collections, ctypes, gc, time
gc.disable()
class T: pass
def order():
    t = T()
    t.me, t.orders = t, collections.deque()
    return ctypes.c_void_p.from_address(id(t.orders) + 24).value
blocks = [order() for i in range(30)]
print(blocks[9], flush=True)
time.sleep(1000)
"""


def test_the_memory_of_what_a_cycle_holds_is_not_lost():
    assert path_to_the_address_of(IN_A_CYCLE).startswith("cycle: __main__.T → .orders (collections.deque")


BUFFERS = """import time
BUFFERS = [bytearray(b"x" * 1000) for i in range(3000)]
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("python", [p for p in pythons.debian_roots() if p.minor >= 15], ids=lambda p: p.name)
def test_a_bytearray_holds_its_bytes(python):
    """Before, they were no object."""
    with program(python, BUFFERS) as (process, _):
        path = ask(process.pid, "--type", "bytes")["paths"][0]
    assert path["path"].startswith("module __main__ :: BUFFERS (list") and path["path"].endswith("bytearray → bytes"), path

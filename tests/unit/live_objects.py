# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The target of test_heap_live: makes known objects, says what it knows of them, waits for orders.
#   obj KIND ADDRESS TYPE BYTES   BYTES = what sys.getsizeof and the rules of the version say
import array, collections, datetime, sys

V = sys.version_info[:2]
NO_GIL = "free-threading" in sys.version


class Plain:
    def __init__(self, a, b):
        self.a = a
        self.b = b


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class Both(Slotted):
    pass


class MyDict(dict):
    pass


class MyList(list):
    pass


class MyStr(str):
    pass


class MyInt(int):
    pass


class MyTuple(tuple):
    pass


class Kept(Plain):
    def __del__(self):
        KEPT.append(self)


class Wide:
    def __init__(self):
        for i in range(50):
            setattr(self, "attribute%d" % i, i * 1000.5)


class Error(Exception):
    pass


def resurrected(a, b):
    Kept(a, b)
    return KEPT.pop()


KEPT = []
Pair = collections.namedtuple("Pair", "x y")


def closure(x):
    def inner():
        return x
    return inner


def gen(a, b):
    x = yield a
    yield b, x


async def coro(a, b):
    return a, b


def big_dict(n):
    return {"key%d" % i: i * 1.5 for i in range(n)}


def utf8(s):
    import ctypes
    ctypes.pythonapi.PyUnicode_AsUTF8.restype = ctypes.c_char_p
    ctypes.pythonapi.PyUnicode_AsUTF8.argtypes = [ctypes.py_object]
    ctypes.pythonapi.PyUnicode_AsUTF8(s)
    return s


HAVE_GC, PRE = 1 << 14, 0
if V == (3, 11):
    PRE = 1 << 4
elif V >= (3, 12):
    PRE = 1 << 3 | 1 << 4


def full(o, satellites=0):
    """sys.getsizeof adds the GC head, from 3.12 on the other pre-header too."""
    f = type(o).__flags__
    n = o.__sizeof__()
    if f & HAVE_GC and not NO_GIL:
        n += 16
    if f & PRE:
        n += 16
    if NO_GIL and isinstance(o, list) and o:
        n += 8  # the array of items has a head
    return n + satellites


made = int(sys.argv[1]) if len(sys.argv) > 1 else 7
objs = []


def add(kind, o, satellites=0, size=None):
    objs.append((kind, o))
    print("obj", kind, hex(id(o)), hex(id(type(o))),
          full(o, satellites) if size is None else size, flush=False)


add("float", made * 1.25)
add("int", made * 100000)
add("int_long", made ** 300)
add("int_negative", -(made ** 60))
add("str_ascii", "some text %d" % made)
add("str_long", "x" * 400 + str(made))
add("str_malloc", "y" * 5000 + str(made))
add("str_latin", "\xe9t\xe9 %d" % made)
add("str_wide", "\u4e2d\u6587 %d" % made)
add("str_emoji", "\U0001f600 %d" % made)
s = utf8("\u4e2d\u6587 %d cached" % made)
add("str_utf8", s)
# From 3.14 on they have inline values too, of a size that nobody tells.
add("str_sub", MyStr("sub %d" % made), size=None if V <= (3, 13) else 0)
add("bytes", b"bytes %d" % made)
add("bytes_big", b"z" * 3000 + b"%d" % made)
add("bytearray", bytearray(b"w" * 100 + b"%d" % made))
add("tuple", (made * 1000, str(made) + "t"))
add("tuple_long", tuple(range(made * 1000, made * 1000 + 50)))
add("tuple_sub", MyTuple((made * 1.5, 2, 3)))
add("namedtuple", Pair(made * 1.5, str(made)))
add("list", [made * 1.5, str(made), 3])
add("list_big", [i * 1.5 for i in range(1000)])
add("list_of_empty", [set(), 2])
add("list_sub", MyList([made * 1.5, 2]), size=None if V <= (3, 13) else 0)
add("set", {made * 1.5, "b"})
add("set_big", {i * 1.5 for i in range(100)})
add("frozenset", frozenset((made * 2.5, str(made))))
add("dict", {"a": made * 1.5, "b": str(made)})
add("dict_int", {made: made * 1.5, made + 1: 2})
add("dict_big", big_dict(300))
d = big_dict(5)
d[made] = 1
add("dict_mixed", d)
add("dict_empty", {})
add("ordered", collections.OrderedDict(a=made * 1.5), size=0)
add("deque", collections.deque([made * 1.5]), size=0)
add("function", closure(made * 1.5))
add("lambda", (lambda a=made * 1.5: a))
add("generator", gen(made * 1.5, str(made)))
add("coroutine", coro(made * 1.5, str(made)))
add("method", Plain(made, 2).__init__)
add("exception", Error("e%d" % made, made))
add("value_error", ValueError("v%d" % made))
add("datetime", datetime.datetime(2020, 1, 2, 3, made % 60))
add("complex", complex(made, 2.5))
add("range", range(made * 1000))
add("slice", slice(made * 1000, 2), size=0)
add("slotted", Slotted(made * 1.5, str(made)))
add("slotted_of_empty", Slotted(set(), 2))
add("array", array.array("d", [made]), size=0)
add("memoryview", memoryview(bytearray(100)), size=0)
add("code", compile("x = %d" % made, "f", "exec"), size=0)
add("type", type("T%d" % made, (), {}), size=0)
add("partial", __import__("functools").partial(gen, made * 1.5), size=0)
add("iterator", iter([made * 1.5]))
add("traceback_error", Error())
add("object", object())
add("kept", Kept(made * 1.5, 2), size=0)
add("resurrected", resurrected(made * 1.5, 2), size=0)

# Attributes: what the block sizes are known to be is told by version below.
for i in range(40):
    keep = Plain(i, i)
p = Plain(made * 1.5, str(made))
if V >= (3, 13):
    # Inline values: head 8, three slots, the order of insertion; 3.13's __sizeof__ leaves them out.
    add("plain", p, size=16 + 32 + 40)
elif V >= (3, 11):
    add("plain", p, size=0)
else:
    # dict object, and a values array with room for the shared keys (8 slots: 5 usable)
    add("plain", p, satellites=64 + 8 * 5)
q = Plain(made * 2.5, str(made) + "q")
vars(q)
add("plain_with_dict", q, size=0)
add("both", Both(made * 1.5, str(made)), size=0)
w = Wide()
add("wide", w, satellites=sys.getsizeof(vars(w)) if V <= (3, 10) else 0,
    size=None if V <= (3, 10) else 0)
add("dict_sub", MyDict(a=made * 1.5), size=0)
print("ready", flush=True)

# Orders. Each `again` rebuilds one object of a kind at the address where another of that type died.
MAKE = {
    "float": lambda n: n * 1.25,
    "int": lambda n: n * 100003,
    "str": lambda n: "text %d" % n,
    "bytes": lambda n: b"text %d" % n,
    "tuple": lambda n: (n * 1.5, "t"),
    "tuple_of_empty": lambda n: (frozenset(), True),
    "list": lambda n: [n * 1.5, 2],
    "dict": lambda n: {"a": n * 1.5, "b": 2},
    "set": lambda n: {n * 1.5, "b"},
    "frozenset": lambda n: frozenset((n * 1.5, "b")),
    "bytearray": lambda n: bytearray(b"text %d" % n),
    "plain": lambda n: Plain(n * 1.5, 2),
    "slotted": lambda n: Slotted(n * 1.5, 2),
    "both": lambda n: Both(n * 1.5, 2),
    "error": lambda n: Error("text %d" % n),
    "closure": lambda n: closure(n * 1.5),
    "generator": lambda n: gen(n * 1.5, 2),
    "coroutine": lambda n: coro(n * 1.5, 2),
    "namedtuple": lambda n: Pair(n * 1.5, 2),
    "datetime": lambda n: datetime.datetime(2020, 1, 2, 3, n % 60),
    "complex": lambda n: complex(n, n * 1.5),
    "method": lambda n: Plain(n * 1.5, 2).__init__,
    "deque": lambda n: collections.deque([n]),
}
GROW = {"list": lambda o: o.append(5), "dict": lambda o: o.__setitem__("later", 5),
        "plain": lambda o: setattr(o, "later", 5), "both": vars}
held, n = {}, 100
for line in sys.stdin:
    order = line.split()
    if order[0] == "make":
        for kind in MAKE:
            n += 1
            held[kind] = MAKE[kind](n)
            print("obj", kind, hex(id(held[kind])), hex(id(type(held[kind]))), 0)
    elif order[0] == "again":
        # The last one freed is the first one handed out: try until the address comes back.
        for kind in MAKE:
            was = id(held[kind])
            extra = []
            for _ in range(200):
                n += 1
                held[kind] = None
                held[kind] = MAKE[kind](n)
                if id(held[kind]) == was:
                    break
                extra.append(held[kind])
            print("obj", kind, hex(id(held[kind])), hex(id(type(held[kind]))), 0)
            del extra
    elif order[0] == "grow":
        for kind in GROW:
            GROW[kind](held[kind])
    elif order[0] == "churn":
        print("ready", flush=True)
        while True:
            tmp = [(i * 1.5, str(i), {"a": i}, Plain(i, [i]), gen(i, i)) for i in range(3000)]
    elif order[0] == "blocks":
        import ctypes
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        sizes = [24, 100, 600, 2000, 5000, 200000, 1 << 20]
        blocks = [(libc.malloc(n), n) for n in sizes for _ in range(14)]
        for i, (p, size) in enumerate(blocks):
            if i & 1:
                libc.free(p)
            else:
                ctypes.memset(p, 0, size)
            print("obj", "freed" if i & 1 else "live", hex(p), "0x0", size)
    elif order[0] == "interp":
        # An interpreter with a GIL, and so a pymalloc, of its own (3.12+).
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        held["interp"] = interpreters.create()
        interpreters.run_string(held["interp"], "x = [(i, str(i)) for i in range(50000)]")
    elif order[0] == "stats":
        sys._debugmallocstats()
    elif order[0] == "fill":
        held["fill"] = [(i, str(i)) for i in range(int(order[1]))]
    print("ready", flush=True)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The program of the type table: each expression many times, kept and dropped, between two answers of
the recorder; then it tells the addresses and the type of what was kept.

Runs on 3.8-3.15 under births_live. Writes JSON lines: [expression, type's address, addresses as words in
hexadecimal]; an expression has two steps: kept, then dropped. The first one makes nothing: its births are
the program's own.
"""
import array
import asyncio  # noqa: F401
import collections
import datetime
import decimal
import functools
import gc
import io
import itertools
import os
import re
import sys
import threading
import types
import weakref

TIMES = 120  # more than the interpreter keeps of dead objects of a type, but tuples
ANSWER = [bytearray(1)]


class Plain:
    def __init__(self, a=1):
        self.a = a

    def method(self):
        return self


class Empty:
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = self.b = None


class MyList(list):
    pass


class MyError(Exception):
    pass


Pair = collections.namedtuple("Pair", "x y")


def spread(**kw):
    return kw


def gather(*args):
    return args


def counter(n):
    while n:
        yield n
        n -= 1


async def task():
    return 1


async def stream():
    yield 1


def caught(kind):
    try:
        raise kind("x")
    except Exception as e:
        return e


def traceback_of():
    try:
        raise MyError
    except MyError as e:
        return e.__traceback__


def frame_of():
    return sys._getframe()


def cell_of():
    x = 1
    return (lambda: x).__closure__[0]


def closure_of(x):
    return lambda: x


def started():
    g = counter(3)
    next(g)
    return g


NAMES = dict(globals(), f=1.25, h=0.75, nf=-2.5, b=5000, c=70001, big=1 << 200, neg=-123456, z=1.5 + 2j,
             s="abcdefgh", t="Ελληνικά", u="x,y,z,w", w="%s-%s", d={"a": 1, "b": 2}, l3=[1, 2, 3],
             l9=list(range(9)), t3=(1, 2, 3), t40=tuple(range(40)), by=b"abcdefgh", st={1, 2, 3}, st2={9}, fs=frozenset("ab"), far=range(5000),
             inst=Plain(), cls=Plain, one=1, two=2, pattern=re.compile("(b)(c)"), dq=collections.deque("abc"),
             moment=datetime.datetime(2020, 1, 2), span=datetime.timedelta(days=3, hours=5),
             dec=decimal.Decimal("1.5"), ba=bytearray(b"abc"), obj=object())  # fmt: skip

# One object of the row's type for every execution, where EXCEPTIONS of the driver does not say
# otherwise; what else the expression makes is of other types.
ROWS = """None
{}
{"a": f, "b": s}
dict(d)
dict(a=one, b=two)
d.copy()
{**d}
{k: one for k in t3}
spread(a=one)
dict.fromkeys(t3)
[]
[one, two]
[one, *t3]
l3 + l9
l3 * 5
list(t3)
[k for k in t3]
l9[2:7]
sorted(t3)
l3.copy()
(f,)
(f, h)
(f, h, s, b, c)
gather(f, h)
tuple(l3)
tuple(l9)
t3 + t40
t40[3:28]
t3 * 2
(f, *l3)
s + t
s[1:5]
s.upper()
s.replace("a", "bcd")
f"{s}-{t}"
w % (s, s)
"{} {}".format(s, s)
"%s-" % s
"-".join((s, t))
by.decode()
t + "é"
t[1:4]
s * 3
str(b)
repr(f)
hex(b)
s.center(30)
s.encode()
by + by
by[1:5]
by * 3
bytes(l3)
bytes(20)
b"%d-" % b
bytearray(by)
bytearray(40)
ba + by
b + c
b - c
b * c
b // 3
-b
~b
b << 40
c & 8191
b | c
c ^ b
c % 4000
big + b
big * big
big >> 20
int("123456")
int(f * 1e9)
abs(neg)
hash(t3)
f + h
f - h
f * h
f / h
f // 0.1
f % 0.3
-f
f ** 2.5
f + b
b * f
b / c
float(b)
float("1.5")
abs(nf)
f * f + f
complex(f, h)
z + z
z * f
z ** 2
{one, two}
set(l9)
st | st2
{k for k in l9}
frozenset(l9)
fs | st
Plain()
Plain(a=2)
Empty()
Slotted()
MyList(l3)
Pair(one, two)
object()
lambda: one
closure_of(one)
functools.wraps(spread)
cell_of()
types.CellType(one)
inst.method
types.MethodType(spread, one)
l3.append
s.join
counter(3)
(k for k in l3)
started()
task()
stream()
MyError("x")
ValueError()
caught(MyError)
caught(KeyError)
traceback_of()
frame_of()
types.ModuleType("m")
type("C", (), {})
type("C", (Plain,), {"x": one})
memoryview(by)
collections.deque(l3)
dq.copy()
collections.OrderedDict(d)
collections.OrderedDict(a=one)
collections.defaultdict(list, d)
collections.Counter(s)
pattern.search(s)
datetime.datetime(2020, 5, 17, b % 24)
datetime.date(2020, 5, 17)
moment + span
moment - moment.replace(year=2019)
datetime.timedelta(days=2)
span * 2
slice(one, two)
range(b)
far[3:9]
iter(l3)
iter(t3)
iter(d)
iter(s)
iter(st)
iter(range(9))
reversed(l3)
d.items()
d.keys()
iter(d.items())
enumerate(l3)
zip(l3, t3)
map(abs, l3)
filter(None, l3)
itertools.chain(l3, t3)
itertools.count(b)
weakref.ref(inst, abs)
property(spread)
staticmethod(spread)
classmethod(spread)
super(Plain, inst)
spread.__code__.replace(co_name="other")
functools.partial(spread, a=1)
functools.partial(gather, one)
io.StringIO()
io.BytesIO(by)
array.array("i", l3)
decimal.Decimal("2.5")
dec + dec
dec / dec
threading.Lock()
threading.RLock()
types.SimpleNamespace(a=one)
types.MappingProxyType(d)
list[int]
dict[str, int]
int | str
Plain().__dict__""".split("\n")


def runs_here(row):
    # Decimals in Python itself, as where libmpdec was not there: they make others on the way.
    if row in ("dec + dec", "dec / dec"):
        return "_decimal" in sys.modules
    if row in ("list[int]", "dict[str, int]"):
        return sys.version_info >= (3, 9)
    return row != "int | str" or sys.version_info >= (3, 10)


def step(word=b"s"):
    """Code behind the write may run beside the taking of the record: it makes no object."""
    os.write(3, word)
    os.readv(4, ANSWER)


def drop(x):
    """A coroutine that nobody awaits would be complained of."""
    if type(x) is types.CoroutineType:
        x.close()


def loop_over(row):
    """The expression stands where any program would have it, so that the interpreter specialises."""
    text = "def loop(turns, take):\n    for _ in turns:\n        take(%s)\n" % row
    exec(text, NAMES)
    return NAMES.pop("loop")


def execute(loop, take):
    turns = itertools.repeat(None, TIMES)
    step()
    loop(turns, take)
    step()


def tell(row, kept):
    quoted = row.replace("\\", "\\\\").replace('"', '\\"')
    words = array.array("Q", map(id, kept)).tobytes().hex()
    data = ('["%s", %d, "%s"]\n' % (quoted, id(type(kept[0])), words)).encode()
    while data:
        data = data[os.write(1, data) :]


def main():
    gc.disable()
    # Objects made before the first step are not recorded, and a collection passes over frozen ones.
    loops = [(row, loop_over(row), loop_over(row)) for row in filter(runs_here, ROWS)]
    gc.freeze()
    step()
    for row, keeping, dropping in loops:
        kept = []
        execute(keeping, kept.append)
        execute(dropping, drop if row == "task()" else callable)
        tell(row, kept)
        list(map(drop, kept))
        kept.clear()
        gc.collect()
    step(b"q")


main()

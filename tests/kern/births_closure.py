# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The program of the closure test: uses much of the standard library while its births are recorded,
and tells which objects there are at the end: everything that can be reached from gc.get_objects().

Runs on 3.8-3.15 under births_live. Writes to standard output pairs of u64, an object's address and
that of its type: those from before the probes, a pair of zeros, those at the end.
"""
import gc
import os
import sys
from array import array

if sys.version_info < (3, 9):
    # These two have birth sites of their own: mapped, not imported, before the probes are placed.
    import _ctypes
    from importlib.machinery import PathFinder

    for name in ("_asyncio", "_datetime"):
        _ctypes.dlopen(PathFinder.find_spec(name).origin, os.RTLD_NOW)

MODULES = """abc argparse array ast asyncio base64 bisect calendar cmath code codecs collections
collections.abc colorsys concurrent.futures configparser contextlib contextvars copy csv ctypes
dataclasses datetime decimal difflib dis email.message enum fnmatch fractions functools getopt glob
graphlib gzip hashlib heapq html.parser http.client inspect io itertools json keyword linecache
logging lzma math numbers operator pathlib pickle pickletools platform pprint queue random re
reprlib secrets shlex socket sqlite3 statistics string struct subprocess symtable tempfile textwrap
threading timeit tokenize traceback types typing unicodedata unittest urllib.parse uuid weakref
xml.etree.ElementTree zipfile zlib zoneinfo"""
KEEP = []


def step(word=b"s"):
    os.write(3, word)
    os.read(4, 1)


def closure():
    """Address -> object. The caller's reference keeps all of them alive: an address is one object."""
    seen, frame = {}, sys._getframe()
    seen[id(seen)], seen[id(frame)] = seen, frame  # they reach each other, and all these numbers
    wait = gc.get_objects()
    while wait:
        fresh = []
        for o in wait:  # no comprehension, which would have a cell of its own
            if id(o) not in seen:
                seen[id(o)] = o
                fresh.append(o)
        wait = []
        for i in range(0, len(fresh), 1000):
            wait += gc.get_referents(*fresh[i : i + 1000])
    del seen[id(seen)], seen[id(frame)], frame
    return seen


def pairs(seen):
    flat = array("Q", bytes(16 * len(seen)))
    flat[::2] = array("Q", seen)
    flat[1::2] = array("Q", map(id, map(type, seen.values())))
    return flat


def write(data):
    data = memoryview(data).cast("B")
    while data:
        data = data[os.write(1, data) :]


def imports():
    for name in MODULES.split():
        try:
            KEEP.append(__import__(name))
        except ImportError:
            continue  # not every build has every module
        step()


def texts():
    import json
    import pickle
    import re

    rows = [{"id": i, "name": "row %d" % i, "part": [i / 3, None, {"x": str(i)}]} for i in range(300)]
    KEEP.append(json.loads(json.dumps(rows)))
    KEEP.append(pickle.loads(pickle.dumps(rows)))
    KEEP.append(re.findall(r"(\w+) (\d+)", " ".join(r["name"] for r in rows)))
    KEEP.append([m for m in re.finditer(r"[a-z]+", "one two three " * 50)])
    KEEP.append([re.compile("(a|b)%d{1,3}" % i) for i in range(20)])


def syntax():
    import ast
    import inspect
    import tokenize

    with open(ast.__file__) as f:
        text = f.read()[:6000].rpartition("\n\n\n")[0] + "\n"
    tree = ast.parse(text)
    KEEP.append((tree, compile(tree, "x", "exec"), ast.dump(tree)))
    lines = iter(text.splitlines(True)[:80] + [""])
    KEEP.append(list(tokenize.generate_tokens(lambda: next(lines, ""))))
    KEEP.append(inspect.signature(ast.literal_eval))


def coroutines():
    import asyncio

    async def work(queue, n):
        for i in range(n):
            await asyncio.sleep(0)
            await queue.put({"n": i, "f": i / 7})

    async def numbers():
        for i in range(50):
            yield i * 1000

    async def main():
        queue = asyncio.Queue()
        await asyncio.gather(*[work(queue, 20) for _ in range(10)])
        KEEP.append([queue.get_nowait() for _ in range(queue.qsize())])
        KEEP.append([n async for n in numbers()])
        KEEP.append(asyncio.get_running_loop().create_future())

    asyncio.run(main())


def threads():
    import queue
    import threading

    out = queue.Queue()

    def work(n):
        for i in range(300):
            out.put((n, str(i * 7919), [float(i)]))

    crew = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in crew:
        t.start()
    for t in crew:
        t.join()
    KEEP.append((crew, [out.get() for _ in range(out.qsize())]))


def tables():
    try:
        import sqlite3
    except ImportError:
        return
    db = sqlite3.connect(":memory:")
    db.execute("create table t (a integer, b text, c real, d blob)")
    db.executemany("insert into t values (?, ?, ?, ?)",
                   [(i * 999, "text %d" % i, i / 3, bytes(8)) for i in range(500)])  # fmt: skip
    KEEP.append((db, db.execute("select * from t where a > 100 order by b").fetchall()))


def numbers():
    import datetime
    import decimal
    import fractions
    import statistics

    KEEP.append([decimal.Decimal(i) / 7 for i in range(300)])
    KEEP.append([fractions.Fraction(i, 7) ** 2 for i in range(100)])
    KEEP.append([2**i + 3j * i for i in range(200)])
    KEEP.append(statistics.stdev(i * 1.5 for i in range(200)))
    day = datetime.datetime(2020, 1, 2, 3, 4, 5)
    KEEP.append([(day + datetime.timedelta(hours=i), day.date()) for i in range(300)])


def documents():
    import csv
    import dataclasses
    import email.message
    import enum
    import io
    import xml.etree.ElementTree as tree

    text = "<a>%s</a>" % "".join("<b n='%d'>x<c/>y</b>" % i for i in range(300))
    KEEP.append(tree.fromstring(text))
    KEEP.append(list(csv.DictReader(io.StringIO("a,b\n" + "1,two\n" * 200))))
    mail = email.message.EmailMessage()
    mail["Subject"] = "births"
    mail.set_content("text")
    KEEP.append((mail, mail.as_string()))
    point = dataclasses.make_dataclass("Point", [("x", int), ("y", float)])
    KEEP.append([point(i, i / 2) for i in range(200)])
    KEEP.append(enum.Enum("Colour", ["c%d" % i for i in range(50)]))


class Node:
    def __init__(self, up):
        self.up, self.down = up, []


class Slotted:
    __slots__ = ("a", "b")


def objects():
    import collections
    import functools
    import weakref

    def failing(n):
        if n:
            failing(n - 1)
        raise KeyError(n)

    root = Node(None)
    for i in range(300):
        root.down.append(Node(root))
        try:
            failing(i % 5)
        except KeyError as e:
            KEEP.append(e)
    KEEP.append((root, [weakref.ref(n) for n in root.down], [Slotted() for _ in range(300)]))
    KEEP.append([(x for x in range(i)) for i in range(100)])
    for g in KEEP[-1]:
        next(g, None)
    KEEP.append([functools.partial(failing, i) for i in range(100)])
    KEEP.append(collections.Counter("the quick brown fox" * 9))
    KEEP.append([type("T%d" % i, (Node,), {"f": lambda self: i}) for i in range(50)])
    KEEP.append([n.__dict__ for n in root.down[:100]])
    for i in range(50):
        a = Node(None)
        a.up = a
    gc.collect()


def main():
    before = closure()
    write(pairs(before))
    write(bytes(16))
    before.clear()
    step()
    imports()
    for job in (texts, syntax, coroutines, threads, tables, numbers, documents, objects):
        job()
        step()
    gc.collect()
    step(b"e")  # half a million numbers that nobody asks for
    after = closure()
    write(pairs(after))
    step(b"q")


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fills its heap with known populations, writes its own account of them, and waits.

First line of the truth: ready for a first census. After SIGUSR1 the populations are made; then the account follows: how
many objects of each type the collector tracks (all of them, whoever made them), what lies in gc.garbage, and of the
populations their number and the sum of sys.getsizeof, by type name.
"""
import argparse
import gc
import json
import signal
import sys


class Plain:
    pass


class Slotted:
    __slots__ = ("a", "b")


class Node:
    """Ends up in gc.garbage."""


class MyDict(dict):
    pass


class MyList(list):
    pass


def name_of(t):
    module = t.__module__
    return t.__qualname__ if module in ("builtins", None) else "%s.%s" % (module, t.__qualname__)


def tracked():
    """Counts by type name, without what this function makes for itself."""
    counts = {}
    objects = gc.get_objects()
    mine = {id(counts), id(objects), id(sys._getframe())}
    for o in objects:
        if id(o) not in mine:
            name = name_of(type(o))
            counts[name] = counts.get(name, 0) + 1
    counts["dict"] += gc.is_tracked(counts)
    return counts


def populations(n, shared):
    """Lists of objects, each list of one type; what is in them was there before."""
    plain = []
    for _ in range(n):
        p = Plain()
        p.number = p.text = None
        plain.append(p)
    made = {
        "int": [i + (1 << 40) for i in range(n)] + [1 << (60 * (i % 9 + 2)) for i in range(n // 10)],
        "float": [i + 0.5 for i in range(n)],
        "str": ["ascii %d" % i for i in range(n)] + ["\u00e9t\u00e9 %d" % i for i in range(n // 2)]
               + ["\u6f22\u5b57 %d" % i for i in range(n // 2)] + ["\U0001f600 %d" % i for i in range(n // 4)]
               + ["%d" % i * 300 for i in range(n // 10, n // 5)],  # too big for pools
        "bytes": [b"%d" % i for i in range(1000, n)] + [b"%08d" % i * 200 for i in range(n // 10)]
                 + [bytes([1, i % 250]) * 100000 for i in range(20)],  # some mapped for themselves
        "bytearray": [bytearray(i % 700 + 1) for i in range(n // 10)],
        "tuple": [tuple(shared[i:i + 2]) for i in range(n)] + [tuple(shared[:100]) for _ in range(n // 20)],
        "list": [[None] * (i % 9) for i in range(n)] + [[None] * 500 for _ in range(n // 20)],
        "dict": [{"k": None} for _ in range(n)] + [dict.fromkeys(shared[:i % 90]) for i in range(n // 5)],
        "set": [set(shared[i:i + 2]) for i in range(n // 2)] + [set(shared[:i % 90]) for i in range(n // 5)],
        "frozenset": [frozenset(shared[i:i + 3]) for i in range(n // 2)],
        name_of(Plain): plain,
        name_of(Slotted): [Slotted() for _ in range(n)],
        name_of(MyDict): [MyDict(a=None) for _ in range(n // 5)],
        name_of(MyList): [MyList([None]) for _ in range(n // 5)],
        "complex": [complex(i, 1) for i in range(n // 5)],
    }  # fmt: skip
    made["list"] += list(made.values())  # those that hold the others
    if sys.version_info < (3, 11):
        made["dict"] += [p.__dict__ for p in plain]  # later ones have none until they are asked for it
    return made


def make_garbage(n):
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(n):
        node = Node()
        node.me = node
    del node
    gc.collect()
    gc.set_debug(0)


def account(kept):
    made = {k: [len(v), sum(map(sys.getsizeof, v))] for k, v in kept.items()}
    garbage = {}
    for o in gc.garbage:
        garbage[name_of(type(o))] = garbage.get(name_of(type(o)), 0) + 1
    return {"made": made, "garbage": garbage, "version": list(sys.version_info[:2])}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--truth", required=True)
    p.add_argument("--count", type=int, default=20000)
    p.add_argument("--garbage", type=int, default=123)
    a = p.parse_args()
    go = [signal.SIGUSR1]
    signal.pthread_sigmask(signal.SIG_BLOCK, go)
    make_garbage(a.garbage)
    shared = ["s%d" % i for i in range(a.count + 200)]
    gc.collect()
    gc.disable()
    out = open(a.truth, "w")
    out.write("{}\n")
    out.flush()
    signal.sigwait(go)
    kept = populations(a.count, shared)
    out.write(json.dumps(account(kept)) + "\n")
    tracked()  # what it makes for itself is there the second time
    counts = tracked()
    out.write(json.dumps({"tracked": counts}) + "\n")
    out.flush()
    signal.sigwait(go)


if __name__ == "__main__":
    main()

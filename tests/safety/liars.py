#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""liars.py SEED NAME [KIND]...: a process that lies about itself: numbers near the ends of 64 bits, pointers to itself, wild,
crooked and of the kernel, huge lengths and loops, in all that a reader from outside believes.

It goes on working meanwhile, so it takes each lie back after a moment, most before it next allocates; now and then it
dies of one all the same. Whoever starts it starts another then, with the next seed."""
import collections
import ctypes
import gc
import os
import random
import sys
import threading
import time

assert sys.version_info[:2] == (3, 11), "the offsets here are those of 3.11"

NOBODY = 65534
WORD = 8
MAX = 1 << 64
# Numbers at which sums, differences, products and shifts go wrong.
ENDS = [0, 1, 7, 8, 191, 192, 255, 4096, (1 << 20) + 1, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 47) - 8, 1 << 47,
        (1 << 60) - 1, (1 << 61), (1 << 62) - 1, (1 << 63) - 4, (1 << 63) - 1, 1 << 63, (1 << 63) + 8,
        MAX - 4096, MAX - 49, MAX - 48, MAX - 9, MAX - 8, MAX - 1]  # fmt: skip
KERNEL = [0xFFFF888000000000, 0xFFFFFFFF81000000, 0xFFFFFFFFFF600000]


class Plain:
    """With a dict of its own, and a list of weak references."""

    def __init__(self, n):
        self.n = n
        self.text = "plain %d" % n


class Slots:
    __slots__ = ("a", "b")


class Deque(collections.deque):
    __slots__ = ()


class World:
    """The objects to lie about. Made once, held for good; the classes have few methods, so that nobody looks
    anything up in them while they lie."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.plain = [Plain(i) for i in range(3000)]
        self.slots = [Slots() for _ in range(3000)]
        self.queues = [Deque([i]) for i in range(500)]
        self.lists = [[i, None, str(i)] for i in range(1000)]
        self.dicts = [{"key %d" % i: i, "b": None} for i in range(1000)]
        self.sets = [set(range(i % 40 + 9)) for i in range(500)]
        self.tuples = [(i, None) for i in range(1000)]
        self.texts = ["text %d" % i for i in range(1000)] + ["\u20ac%d" % i for i in range(500)]
        self.ints = [(1 << 70) + i for i in range(1000)]
        self.bytes = [b"bytes %d" % i for i in range(1000)] + [b"x" * 3000 for _ in range(300)]
        self.arrays = [bytearray(100 + i) for i in range(300)]
        self.classes = [type("Class%d" % i, (Plain,), {"n%d" % k: k for k in range(i % 50)}) for i in range(200)]
        self.made = [c(1) for c in self.classes for _ in range(3)]
        self.generators = [self.generator(i) for i in range(300)]
        for g in self.generators:
            next(g)
        self.codes = [compile("\n" * i + "x = [%d]" % i, "liar%d.py" % i, "exec") for i in range(300)]
        self.errors = [self.error(i) for i in range(200)]
        self.ready = threading.Event()
        self.sleepers = [threading.Thread(target=self.sleep, args=(i,), daemon=True) for i in range(4)]
        for t in self.sleepers:
            t.start()

    @staticmethod
    def generator(n):
        x = [n]
        yield x

    @staticmethod
    def error(n):
        try:
            raise ValueError([n])
        except ValueError as e:
            return e

    def sleep(self, depth):
        """Waits in C, some frames down: its frames can lie for as long as it does."""
        if depth < 30:
            return self.sleep(depth + 4)
        threading.Lock().acquire() if depth % 2 else self.ready.wait()
        return None


def peek(address):
    return ctypes.c_uint64.from_address(address).value


def mapped():
    """Where writing is possible: the first and last address of each such row of maps."""
    rows = []
    with open("/proc/self/maps") as f:
        for line in f:
            words = line.split()
            if words[1].startswith("rw"):
                rows.append(tuple(int(x, 16) for x in words[0].split("-")))
    return rows


class Liar:
    def __init__(self, world):
        self.w = world
        self.random = world.random
        self.rows = mapped()

    def number(self, near):
        """A word that may be anything; @near: an address that the truth is near."""
        r = self.random
        kind = r.randrange(8)
        if kind < 3:
            return (r.choice(ENDS) + r.choice((0, 0, 0, 1, 8, MAX - 1))) % MAX
        if kind == 3:
            return (near + r.choice((0, 0, -16, 8, 16, 3, 4096, 1 << 32))) % MAX  # itself, or beside
        if kind == 4:
            return r.choice(KERNEL) + r.randrange(0, 4096, 8)
        if kind == 5:
            start, end = r.choice(self.rows)
            return r.choice((start, end - 8, end, end - 16 - r.randrange(64), r.randrange(start, end) & ~7))
        if kind == 6:
            return r.getrandbits(64)
        return 1 << r.randrange(64)

    def some(self, things, n, offsets, size=WORD):
        """Lies in @n of these objects, each at one of the places."""
        found = []
        for x in self.random.sample(things, min(n, len(things))):
            at = id(x) + self.random.choice(offsets)
            found.append((at, self.number(id(x)), size))
        return found

    def loop(self, things, offset):
        """The word at @offset of each leads to the next one, of the last to one of them; or to itself."""
        v = self.random.sample(things, min(self.random.choice((1, 2, 50)), len(things)))
        return [(id(x) + offset, id(y) + min(offset, 0), WORD) for x, y in zip(v, v[1:] + [self.random.choice(v)])]

    # Each returns what is to be written: (address, value, bytes).
    def types(self):
        """tp_name, sizes, flags, base, dict, mro, offsets, metatype, cached keys, names of a class."""
        at = (8, 16, 24, 32, 40, 168, 192, 208, 256, 264, 272, 280, 288, 296, 304, 336, 344, 352, 360, 848, 856, 864, 872)
        return self.some(self.w.classes + [Slots, Deque], 5, at)

    def dictoffsets(self):
        ends = [(1 << 63) - 1 - k for k in range(20)] + [e for e in ENDS if e > 1 << 31]
        return [(id(c) + at, self.random.choice(ends), WORD) for c in self.w.classes + [Slots, Deque] for at in (288, 208)]

    def dicts(self):
        """Numbers and keys of dicts, and of the keys objects: log2 sizes, kind, usable, entries in use."""
        v = self.some(self.w.dicts, 20, (16, 24, 32, 40))
        for d in self.random.sample(self.w.dicts, 20):
            keys = peek(id(d) + 32)
            if self.random.random() < 0.5:
                v.append((keys + self.random.choice((0, 16, 24)), self.number(keys), WORD))
            else:
                v.append((keys + 8 + self.random.randrange(4), self.random.randrange(256), 1))
        return v

    def containers(self):
        r = self.random
        return r.choice((
            lambda: self.some(self.w.lists, 30, (16, 24, 32)),
            lambda: self.some(self.w.tuples, 30, (16, 24)),
            lambda: self.some(self.w.sets, 30, (16, 24, 32, 40)),
            lambda: self.some(self.w.queues, 30, (16, 24, 32, 40, 48, 56)),
            lambda: self.some(self.w.arrays, 30, (16, 24, 32, 40)),
        ))()  # fmt: skip

    def values(self):
        """Lengths and states of strings, digits of ints, lengths of bytes."""
        return (self.some(self.w.texts, 30, (16, 32, 36, 48, 56)) + self.some(self.w.ints, 30, (16, 24))
                + self.some(self.w.bytes, 30, (16,)))  # fmt: skip

    def attributes(self):
        """The words in front of instances that lead to their values and dicts."""
        return self.some(self.w.plain + self.w.made, 30, (-32, -24))

    def heads(self):
        """Reference counts and types."""
        objects = self.w.slots + self.w.lists + self.w.plain
        return self.some(objects, 30, (0, 8)) + self.loop(self.w.slots, 8)

    def links(self):
        """Links of the collector's lists: astray, and in rings."""
        return self.some(self.w.lists + self.w.plain, 20, (-16, -8)) + self.loop(self.w.lists, -16)

    def pools(self):
        """Headers of pools (count, free list, links, arena, size class, next offset), and free lists."""
        v = []
        for x in self.random.sample(self.w.slots + self.w.texts, 20):
            pool = id(x) & ~16383
            at, size = self.random.choice(((0, 4), (8, 8), (16, 8), (24, 8), (32, 4), (36, 4), (40, 4), (44, 4)))
            v.append((pool + at, self.number(id(x)) % (1 << 8 * size), size))
        x = id(self.random.choice(self.w.slots))
        return v + [((x & ~16383) + 8, x - 16, WORD), (x - 16, x - 16, WORD)]

    def chunks(self):
        """Sizes of glibc's chunks."""
        v = []
        for x in self.random.sample(self.w.bytes[1000:], 20):
            flags = self.random.randrange(8)
            v.append((id(x) - 8, self.number(id(x)) & ~7 | flags, WORD))
        return v

    def frames(self):
        """Frames of generators, and of threads that wait: code, previous one, instruction, top, owner."""
        v = self.some(self.w.generators, 20, (24, 32, 40, 48, 69, 72, 80, 88, 96, 104, 112, 120, 128, 136, 140))
        for t in self.w.sleepers:
            frame = self.frame_of(t)
            if frame:
                at = self.random.choice((0, 8, 16, 24, 32, 48, 56, 64))
                v.append((frame + at, self.random.choice((frame, self.number(frame))), WORD))
        return v

    def frame_of(self, thread):
        """The interpreter frame of the innermost frame object: f_frame."""
        f = sys._current_frames().get(thread.ident)
        return peek(id(f) + 24) if f else 0

    def codes(self):
        """Names, file, line table, first line, number of units, stack size, of code: also of what runs."""
        at = (16, 24, 32, 40, 48, 56, 64, 68, 72, 76, 80, 84, 88, 96, 104, 112, 120, 128, 136, 144, 160, 168)
        codes = self.w.codes + [World.generator.__code__, World.sleep.__code__]
        v = self.some(codes, 20, at)
        for c in self.random.sample(codes, 5):
            table = peek(id(c) + 136)
            v.append((table + 16, self.number(table), WORD))
            v += [(table + 32 + i, self.random.randrange(256), 1) for i in range(min(8, len(c.co_linetable)))]
        return v

    def states(self):
        """Links between the states of threads and of the interpreter."""
        get = ctypes.pythonapi.PyThreadState_Get
        get.restype = ctypes.c_uint64
        mine = get()
        v, other = [], peek(mine + 8)
        for at in (0, 8, 16):
            if other:
                v.append((other + at, self.random.choice((other, mine, self.number(other))), WORD))
        return self.random.sample(v, min(1, len(v)))

    def errors(self):
        return self.some(self.w.errors, 20, (16, 24, 32, 40, 48, 56))

    KINDS = ("types", "dictoffsets", "dicts", "containers", "values", "attributes", "heads", "links", "pools",
             "chunks", "frames", "codes", "states", "errors")  # fmt: skip


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Writer:
    """Many words at once by one call of the kernel's: nothing of Python's happens in between, and what cannot be
    written is left out. While the lies stand, this thread waits in C as well."""

    def __init__(self):
        self.libc = ctypes.CDLL(None)
        self.pid = os.getpid()
        # Nobody else runs meanwhile: PyDLL keeps the lock of the interpreter.
        self.held = ctypes.PyDLL(None)
        self.held.usleep.argtypes = (ctypes.c_uint,)

    def lie(self, plan, hold_us):
        plan = [(at, value, size) for at, value, size in plan if 0x10000 < at < (1 << 47) - 64]
        n = len(plan)
        here, there = (Piece * n)(), (Piece * n)()
        lies, truth = (ctypes.c_uint64 * n)(), (ctypes.c_uint64 * n)()
        back = (Piece * n)()
        for i, (at, value, size) in enumerate(plan):
            lies[i] = value
            here[i] = Piece(ctypes.addressof(lies) + 8 * i, size)
            back[i] = Piece(ctypes.addressof(truth) + 8 * i, size)
            there[i] = Piece(at, size)
        call = self.held.process_vm_readv, self.held.process_vm_writev, self.held.usleep
        args = [(ctypes.c_int(self.pid), pieces, ctypes.c_ulong(n), there, ctypes.c_ulong(n), ctypes.c_ulong(0))
                for pieces in (back, here)]  # fmt: skip
        if n > 1000 or call[0](*args[0]) < 0:
            return
        call[1](*args[1])
        call[2](hold_us)
        call[1](*args[0])


def main():
    seed = int(sys.argv[1])
    kinds = sys.argv[3:] or Liar.KINDS  # argv[2] is there to be found by
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # Whoever watches may read it: changing the user has switched that off, as for a set-uid program.
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # ends with whoever started it
    gc.disable()
    world = World(seed)
    liar, writer = Liar(world), Writer()
    print("ready", flush=True)
    leak = []
    while True:
        plan = []
        for kind in liar.random.sample(kinds, min(len(kinds), liar.random.choice((1, 1, 2, 4)))):
            plan += getattr(liar, kind)()
        writer.lie(plan, liar.random.choice((1000, 20000, 100000, 300000, 1000000)))
        # A little of everything is born between two lies, so that there is something to watch.
        for i in range(liar.random.choice((10, 200))):
            leak.append([Slots(), {"leak": i}, Plain(i)])
        if len(leak) > 20000:
            del leak[:10000]
        time.sleep(0.001)


if __name__ == "__main__":
    main()

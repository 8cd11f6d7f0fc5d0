#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program with memory that a careless reader brings into being, and a loop that notices any harm.

    target.py STATE KIND [FILE]

It leaks slowly, at the line marked below and by the clock, so that the tool looks at what holds the
objects. STATE is the page of target_words.py."""
import ctypes
import gc
import mmap
import os
import signal
import sys
import time
import zlib

import target_words as words

MIB = 1 << 20
PAGE = 4096
PER_S = 500  # objects leaked
NORESERVE = 0x4000
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
MADV_FREE, MADV_HUGEPAGE, MADV_PAGEOUT = 8, 14, 21
SYS_USERFAULTFD, USER_MODE_ONLY = 323, 1
UFFDIO_API, UFFDIO_REGISTER, MISSING = 0xC018AA3F, 0xC020AA00, 1
libc = ctypes.CDLL(None, use_errno=True)
keep = []


class Thing:
    __slots__ = ("a", "b")

    def __init__(self, n):
        self.a, self.b = [n, n], str(n)


def address(m):
    return ctypes.addressof(ctypes.c_char.from_buffer(m))


def files(directory, flags):
    """Ten of 60 MiB, mapped and never touched."""
    for i in range(10):
        path = "%s/pyleak-target-%d-%d" % (directory, os.getpid(), i)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(path)
        os.ftruncate(fd, 60 * MIB)
        keep.append(mmap.mmap(fd, 60 * MIB, flags=flags))
        os.close(fd)


def shm():
    files("/dev/shm", mmap.MAP_SHARED)


def memmap():
    files("/var/tmp", mmap.MAP_SHARED)


def memmap_private():
    files("/var/tmp", mmap.MAP_PRIVATE)


def madv_free():
    m = mmap.mmap(-1, 64 * MIB, flags=ANONYMOUS)
    for at in range(0, len(m), PAGE):
        m[at] = 1
    m.madvise(MADV_FREE)
    keep.append(m)


def swapped():
    """Objects that nobody has used for long: all that is private is paged out, and what runs comes back."""
    # A collection would touch all of them.
    gc.disable()
    keep.append([Thing(i) for i in range(150000)])
    with open("/proc/self/maps") as f:
        rows = [line.split() for line in f]
    for row in rows:
        if row[1] == "rw-p" and row[-1] != "[stack]":
            start, end = (int(x, 16) for x in row[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_PAGEOUT)


def sparse():
    m = mmap.mmap(-1, 255 << 30, flags=ANONYMOUS | NORESERVE)
    m[77 << 30] = 1
    keep.append(m)


def thp():
    """The first half is huge pages, the second half was never touched."""
    m = mmap.mmap(-1, 64 * MIB, flags=ANONYMOUS)
    m.madvise(MADV_HUGEPAGE)
    for at in range(0, 32 * MIB, 2 * MIB):
        m[at] = 1
    keep.append(m)


def mappings():
    n = 64000
    m = mmap.mmap(-1, n * PAGE, flags=ANONYMOUS)
    base = address(m)
    for i in range(0, n, 2):
        if libc.mprotect(ctypes.c_void_p(base + i * PAGE), PAGE, mmap.PROT_READ):
            raise OSError("mprotect after %d" % i)
    keep.append(m)


def userfaultfd():
    """Pages that somebody must bring when they are touched, and nobody does."""
    fd = libc.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK | USER_MODE_ONLY)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "userfaultfd")
    m = mmap.mmap(-1, 16 * MIB, flags=ANONYMOUS)
    for request, words in ((UFFDIO_API, [0xAA, 0, 0]),
                           (UFFDIO_REGISTER, [address(m), len(m), MISSING, 0])):  # fmt: skip
        buffer = (ctypes.c_uint64 * 4)(*words)
        if libc.ioctl(fd, ctypes.c_ulong(request), buffer):
            raise OSError(ctypes.get_errno(), "userfaultfd")
    keep.append((fd, m))


def several():
    """Kinds whose harm is told apart, in one program: pages of shared memory, of files, huge ones and those that are given up
    have numbers of their own, and whoever touches a page that nobody brings waits for ever."""
    for one in (shm, memmap, memmap_private, madv_free, thp, userfaultfd):
        one()


def fuse():
    fd = os.open(sys.argv[3], os.O_RDWR)
    keep.append(mmap.mmap(fd, 64 << 10, flags=mmap.MAP_PRIVATE))
    os.close(fd)


def limit():
    """Whoever starts this one sets a limit just above what it has."""
    shm()
    keep.append(mmap.mmap(-1, 64 * MIB, flags=ANONYMOUS))


def full():
    """Nothing more, and no leak: whoever starts this one leaves it no room to grow."""


def forked():
    """64 MiB of objects and buffers from before the fork, and two children who share them."""
    # A collection would write to all of them, and every page would be a copy.
    gc.disable()
    keep.append([Thing(i) for i in range(100000)])
    m = mmap.mmap(-1, 32 * MIB, flags=ANONYMOUS)
    for at in range(0, len(m), PAGE):
        m[at] = 1
    keep.append(m)
    parent = os.getpid()
    for i in range(2):
        pid = os.fork()
        if not pid:
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
            while os.getppid() == parent:
                signal.pause()
            os._exit(0)
        words.put(state, words.CHILDREN + i, pid)


KINDS = {f.__name__: f for f in (shm, memmap, memmap_private, madv_free, swapped, sparse, thp, mappings,
                                 userfaultfd, several, fuse, limit, full, forked)}  # fmt: skip


def work():
    pieces = [os.urandom(64 << 10) for _ in range(32)]
    sums = [zlib.crc32(p) for p in pieces]
    leaked, loops, wrong = [], 0, 0
    per_s = {"limit": PER_S // 5, "full": 0}.get(kind, PER_S)
    start = last = time.monotonic_ns()
    while True:
        now = time.monotonic_ns()
        if now - last > words.get(state, words.GAP):
            words.put(state, words.GAP, now - last)
        last = now
        while len(leaked) < (now - start) * per_s // 1000000000:
            leaked.append(Thing(len(leaked)))  # the line that leaks
        wrong += zlib.crc32(pieces[loops % 32]) != sums[loops % 32]
        loops += 1
        words.put(state, words.LOOPS, loops)
        words.put(state, words.WRONG, wrong)
        words.put(state, words.LEAKED, len(leaked))
        words.put(state, words.READY, 1)
        time.sleep(0.004)  # a twelfth of the stall that is too long


kind = sys.argv[2]
with open(sys.argv[1], "r+b") as shared:
    state = mmap.mmap(shared.fileno(), PAGE)
KINDS[kind]()
work()

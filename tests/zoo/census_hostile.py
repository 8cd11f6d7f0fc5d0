# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Corrupts its own heap: free lists and lists of the collector that loop, types and sizes that lie. It only waits, in
C, meanwhile: a single allocation would be its end."""
import argparse
import ctypes
import gc
import os
import sys
import time


class Victim:
    __slots__ = ("a",)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--truth", required=True)
    a = p.parse_args()
    gc.disable()
    pool_size = 4096 if sys.version_info < (3, 10) else 16384
    libc = ctypes.CDLL(None)
    victims = [Victim() for _ in range(40000)]
    lists = [[None] for _ in range(2000)]
    dicts = [{"a": None} for _ in range(2000)]
    strings = ["victim %d" % i for i in range(2000)]
    big = [b"x" * 5000 for _ in range(200)]
    tuples = [(None,) * 200 for _ in range(2000)]  # in malloc's chunks
    pools = sorted({id(v) & ~(pool_size - 1) for v in victims})
    fd = os.open(a.truth, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    plan = []
    for i, pool in enumerate(pools[1:-1]):
        block = pool + 48
        plan += {
            0: [(block, block, 8), (pool + 8, block, 8)],  # a free block that comes behind itself
            1: [(pool + 8, pools[0] + 48, 8)],  # a free list that leads elsewhere
            2: [(pool + 40, 0xFFFFFFF0, 4)],
            3: [(pool + 36, 77, 4)],
            4: [(pool, 0x7FFFFFFF, 4)],
            5: [(pool + 8, 0x4141414141414141, 8)],
        }[i % 6]
    for i in range(0, len(victims) - 20, 20):
        v = id(victims[i])
        plan += [(v + 8, v, 8)] if i % 40 else [(v + 8, (0x7F0000000000 + i * 4096), 8)]  # types that lie
        plan += [(v + 300, id(victims[i]) - 16, 8)]
    for i, x in enumerate(lists):
        plan += [(id(x) + 16, 1 << 60, 8), (id(x) + 32, (1 << 62) + i, 8)]  # so many items
    for i, x in enumerate(dicts):
        plan += [(id(x) + 32, id(x) if i % 2 else 0xDEAD0000 + i * 8, 8)]  # keys that are none
    for x in strings:
        plan += [(id(x) + 16, 1 << 50, 8)]
    for x in big:
        plan += [(id(x) - 8, 0xFFFFFFFFFFFFFFF1, 8)]  # the size of a chunk
    for i, x in enumerate(tuples[:-1]):
        to = id(tuples[i + 1]) - 16 if i % 100 else id(x) - 16
        plan += [(id(x) - 16, to, 8), (id(x) + 16, 1 << 40, 8)]  # rings of the collector's list
    # A child does it, while this process waits in C and executes no more Python: with such a heap that would be its end.
    parent = os.getpid()
    os.write(fd, b"{}\n")
    if os.fork() == 0:
        time.sleep(0.5)
        corrupt(libc, parent, plan)
        os.write(1, b"corrupt\n")
        os._exit(0)
    while True:
        libc.pause()


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def corrupt(libc, pid, plan):
    """Write into the memory of @pid what the plan says."""
    for address, value, size in plan:
        data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        here, there = Piece(ctypes.cast(data, ctypes.c_void_p), size), Piece(address, size)
        libc.process_vm_writev(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


if __name__ == "__main__":
    main()

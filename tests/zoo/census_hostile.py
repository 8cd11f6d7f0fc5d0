# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Corrupts its own heap: free lists and lists of the collector that loop, types and sizes that lie. Then it only waits,
in C: a single allocation would be its end."""
import argparse
import ctypes
import gc
import os
import sys


class Victim:
    __slots__ = ("a",)


def poke(address, value, size=8):
    ctypes.memmove(address, (value & (1 << 8 * size) - 1).to_bytes(size, "little"), size)


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
    # All of it in one call that allocates nothing: a table of (address, bytes, count) for memmove.
    values = (ctypes.c_uint64 * len(plan))(*[v & (1 << 8 * s) - 1 for _, v, s in plan])
    base = ctypes.addressof(values)
    todo = iter([(x[0], base + 8 * i, x[2]) for i, x in enumerate(plan)])
    move = libc.memmove
    move.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    move.restype = None
    os.write(fd, b"{}\n")
    for to, what, size in todo:
        move(to, what, size)
    libc.write(1, b"corrupt\n", 8)
    while True:
        libc.pause()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Takes blocks, gives some back, and says how many bytes it still has."""
import ctypes
import os
import sys
import time

sys.path.insert(0, sys.argv[1])
import leaky_cpp  # noqa: E402

LIBC = ctypes.CDLL(None)
for name in ("malloc", "calloc", "realloc", "aligned_alloc"):
    getattr(LIBC, name).restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.calloc.argtypes = LIBC.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
LIBC.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.free.argtypes = LIBC.malloc_usable_size.argtypes = [ctypes.c_void_p]
LIBC.malloc_usable_size.restype = ctypes.c_size_t
ROUNDED = [0, 0]


def take(i):
    size = 700 + i % 500
    kept = LIBC.malloc(size)  # KEPT: malloc
    LIBC.free(LIBC.malloc(size))
    LIBC.free(LIBC.aligned_alloc(64, 1024))
    ROUNDED[0] += LIBC.malloc_usable_size(kept) - size
    return size


def grow(i):
    block = LIBC.calloc(10, 60)
    block = LIBC.realloc(block, 1600 + i % 100)  # KEPT: realloc
    ROUNDED[1] += LIBC.malloc_usable_size(block) - (1600 + i % 100)
    return 1600 + i % 100


def construct():
    leaky_cpp.take()  # KEPT: new
    return 800


go, said = sys.argv[2:4]
while not os.path.exists(go):
    time.sleep(0.02)
kept = [0, 0, 0]
begin = time.monotonic()
for i in range(150):
    kept[0] += take(i)
    kept[1] += grow(i)
    kept[2] += construct()
    # Calls enough to be slowed by a dear host would be seen in windows alone.
    time.sleep(max(0, begin + i * 0.06 - time.monotonic()))
with open(said + ".part", "w") as f:
    f.write("%d %d %d %d %d" % (*kept, *ROUNDED))
os.rename(said + ".part", said)
time.sleep(120)

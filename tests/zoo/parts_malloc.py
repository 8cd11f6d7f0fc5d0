# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Takes memory of every kind in known amounts, says what malloc says of itself, and stops itself.
Continued, it trims malloc, says what that brought, and stops again."""
import argparse
import ctypes
import json
import mmap
import os
import re
import signal
import sys
import tempfile
import threading
import time

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = LIBC.fopen.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = LIBC.fclose.argtypes = [ctypes.c_void_p]
LIBC.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
LIBC.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
LIBC.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
SIZES = (40, 100, 700, 1400, 3000, 20000, 60000)
MAPPED = 3 << 20
STACKS = 4


def take(size):
    p = LIBC.malloc(size)
    LIBC.memset(p, 1, size)
    return p


def take_advised(size):
    """As numpy asks for huge pages: from the first whole page on, which parts the mapping in two rows."""
    p = take(size)
    assert not LIBC.madvise((p + 4095) & ~4095, size - 4096 & ~4095, mmap.MADV_DONTDUMP)
    return p


def fragment(n, keep):
    """Two of every three blocks are freed, so that much is free and little of it at the end."""
    blocks = [take(SIZES[i % len(SIZES)]) for i in range(n)]
    for i, p in enumerate(blocks):
        if i % 3:
            LIBC.free(p)
    keep.extend(blocks[::3])


def work(n, keep, ready, event):
    fragment(n, keep)
    ready.release()
    event.wait()


def malloc_info():
    with tempfile.NamedTemporaryFile() as f:
        out = LIBC.fopen(f.name.encode(), b"w")
        LIBC.malloc_info(0, out)
        LIBC.fclose(out)
        text = f.read().decode()
    # The totals of all arenas come last.
    size = {kind: int(s) for kind, s in re.findall(r'<total type="(\w+)" count="\d+" size="(\d+)"', text)}
    system = int(re.findall(r'<system type="current" size="(\d+)"', text)[-1])
    free = size.get("fast", 0) + size["rest"]  # 2.43 has no fastbins
    return {"used": system - free + size["mmap"], "free": free}


def say(f, **what):
    f.write(json.dumps(what) + "\n")
    f.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--truth")
    args = parser.parse_args()
    event, ready, keep = threading.Event(), threading.Semaphore(0), []
    threads = [threading.Thread(target=work, args=(700, keep, ready, event), daemon=True) for _ in range(STACKS)]
    for t in threads:
        t.start()
    for t in threads:
        ready.acquire()
    fragment(5000, keep)
    keep.extend(take(MAPPED) for _ in range(5))
    keep.append(take_advised(MAPPED))
    objects = [[] for _ in range(100000)]
    area = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.write(b"x" * len(area))
    del objects[::2]
    time.sleep(0.1)
    with open(args.truth, "w") as f:
        say(f, mmap=len(area), **malloc_info())
        LIBC.malloc_trim(0)
        say(f, **malloc_info())
    event.set()
    return keep


if __name__ == "__main__":
    sys.exit(main() and 0)

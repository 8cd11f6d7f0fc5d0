#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""replaced_target.py FIFO|FILE: after a word on its input, puts something else in place of its own program, and
goes on leaking. Of a file it maps the code, and says on its output how many bytes of that ever differed."""
import ctypes
import os
import shutil
import sys
import threading
import time

keep = []


def look(path):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    at = libc.mmap(None, size, 5, 2, fd, 0)  # read and execute, private
    with open(path, "rb") as f:
        want = f.read()
    end, worst = time.monotonic() + 10, 0
    while time.monotonic() < end:
        if libc.memcmp(ctypes.c_void_p(at), want, ctypes.c_size_t(size)):
            worst = max(worst, sum(a != b for a, b in zip(ctypes.string_at(at, size), want)), 1)
        time.sleep(0.02)
    print("differed", worst, flush=True)


def replace(what):
    sys.stdin.readline()
    me = os.readlink("/proc/self/exe")
    os.rename(me, me + ".old")
    if what == "FIFO":
        os.mkfifo(me)
        return
    shutil.copy(me + ".old", me)
    look(me)


threading.Thread(target=replace, args=sys.argv[1:2], daemon=True).start()
print("ready", flush=True)
while True:
    for i in range(20):
        keep.append([i, {}])
    time.sleep(0.02)

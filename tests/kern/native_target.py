# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Native blocks of a Python program: each leak on a line of its own, marked with its name.
import ctypes
import threading
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
kept = []


def leak_ctypes():
    libc.malloc(7001)  # LINE ctypes


def leak_bytes():
    kept.append(b"x" * 100 * 1024)  # LINE bytes


def in_thread():
    while True:
        libc.malloc(7002)  # LINE thread
        time.sleep(0.01)


def churn():
    for _ in range(20):
        libc.free(libc.malloc(7003))  # LINE churn


threading.Thread(target=in_thread, daemon=True).start()
while True:
    leak_ctypes()
    leak_bytes()
    churn()
    time.sleep(0.01)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A binding takes memory from libc for each call and forgets to free it."""
import ctypes

from common import Meter, request

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]
MALLOC = LIBC.malloc
FREE = LIBC.free


def encode(size):
    MALLOC(size)  # LEAK


def decode(size):
    FREE(MALLOC(size))


def main():
    meter = Meter(rate=683)
    n = 0
    while meter.running():
        n += 1
        request(n)
        decode(1200)
        for _ in range(meter.due()):
            encode(1200)
            meter.leaked(1200)


main()

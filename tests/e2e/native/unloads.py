# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Loads a library, lets it forget a block and unloads it, again and again."""
import _ctypes
import ctypes
import os
import sys
import time

LEAK = ctypes.CFUNCTYPE(None, ctypes.c_size_t)


def request(path):
    library = _ctypes.dlopen(path, os.RTLD_NOW)
    leak = LEAK(_ctypes.dlsym(library, "plugin_leak"))
    leak(900)  # LEAK
    _ctypes.dlclose(library)


with open(sys.argv[2], "w") as ready:
    ready.write("x")
end = time.monotonic() + 180
while time.monotonic() < end:
    request(sys.argv[1])
    time.sleep(0.01)

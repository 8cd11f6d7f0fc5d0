# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Leaks through each extension that was built, one line each."""
import sys
import time

sys.path.insert(0, sys.argv[1])
import leaky_cpp  # noqa: E402
import leaky_debug  # noqa: E402
import leaky_link  # noqa: E402
import leaky_mini  # noqa: E402
import leaky_separate  # noqa: E402
import leaky_stripped  # noqa: E402
import leaky_zlib  # noqa: E402
import leaky_zstd  # noqa: E402


def store():
    leaky_debug.no_free(700)  # LEAK: callback


def request():
    leaky_debug.no_free(1000)  # LEAK: debug
    leaky_stripped.no_free(1100)  # LEAK: stripped
    leaky_mini.no_free(1200)  # LEAK: mini
    leaky_separate.no_free(1300)  # LEAK: separate
    leaky_link.no_free(1350)  # LEAK: link
    leaky_zlib.no_free(1400)  # LEAK: zlib
    leaky_zstd.no_free(1450)  # LEAK: zstd
    leaky_debug.no_decref()  # LEAK: decref
    leaky_cpp.remember()  # LEAK: cpp
    leaky_debug.call(store)  # CALLS BACK
    return [str(i) for i in range(20)]


leaky_debug.start_worker()
with open(sys.argv[2], "w") as ready:
    ready.write("x")
end = time.monotonic() + 180
while time.monotonic() < end:
    request()
    # So rarely that each block is seen. Where an event is dear 13 of them in the 12 ms in which calls are metered are too many.
    time.sleep(0.5)

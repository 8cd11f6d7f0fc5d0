# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Leaks behind a function that takes the memory of many: ways.py WHERE READY TEMPORARY PAUSE"""
import sys
import time

sys.path.insert(0, sys.argv[1])
import ways  # noqa: E402

TEMPORARY = int(sys.argv[3])


def request():
    ways.mostly_freed(900, TEMPORARY)  # LEAK: freed
    ways.mostly_released(TEMPORARY)  # LEAK: released
    ways.small_and_big()  # LEAK: big


with open(sys.argv[2], "w") as ready:
    ready.write("x")
end = time.monotonic() + 180
while time.monotonic() < end:
    request()
    time.sleep(float(sys.argv[4]))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program to watch while calls fail: one line that leaks, so many of a class, and a pulse to be felt from outside.

    target.py FILE MARK
"""
import mmap
import sys
import time

OBJECTS = 5000
LEAK_LINE = 26


class Kept:
    def __init__(self, n):
        self.n, self.text = n, str(n) * 3


def main():
    with open(sys.argv[1], "r+b") as f:
        page = mmap.mmap(f.fileno(), 8)
    keep, beat = [], 0
    print("ready", flush=True)
    while True:
        for n in range(2):
            keep.append({"n": n + 0.5})  # the line that leaks
        beat += 1
        page[:] = beat.to_bytes(8, "little")
        if len(keep) > 800000:  # hours of tests; a page of it goes at once
            keep.clear()
        time.sleep(0.005)


if __name__ == "__main__":
    HELD = [Kept(n) for n in range(OBJECTS)]
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""torture_target.py STATE: threads that allocate and check what they made, and one that forks.

Each loop of a worker makes objects of many types whose checksum is known; a child makes the same ones
and its status says whether they were right. Some children live for a second."""
import mmap
import os
import signal
import sys
import threading
import time
import zlib

import target_words as words

WORKERS = 3
with open(sys.argv[1], "r+b") as shared:
    page = mmap.mmap(shared.fileno(), mmap.PAGESIZE)
kept = []


class Node:
    __slots__ = ("n", "next")

    def __init__(self, n, next_):
        self.n, self.next = n, next_


def checksum():
    """The sum of what is made anew each time: dicts, lists, tuples, strings, floats, bytes, instances."""
    rows = [{"n": i, "f": i * 0.5, "s": "row %d" % i, "t": (i, i + 1)} for i in range(60)]
    chain = None
    for row in rows:
        chain = Node(row["n"], chain)
    total = 0
    while chain:
        total += chain.n
        chain = chain.next
    text = ",".join("%s %s %s" % (r["s"], r["f"], r["t"]) for r in rows)
    return zlib.crc32(text.encode() + b"%d" % total)


RIGHT = checksum()


def work(number):
    loops = 0
    while True:
        if checksum() != RIGHT:
            words.put(page, words.WRONG, words.get(page, words.WRONG) + 1)
        loops += 1
        # A word for each thread: nothing is lost by two who add.
        words.put(page, words.WORKERS + number, loops)
        if number == 0 and loops % 20 == 0:
            kept.append(Node(loops, None))  # the line that leaks
            words.put(page, words.LEAKED, len(kept))


def child(stays):
    right = checksum() == RIGHT
    if stays:
        time.sleep(1)
        right = right and checksum() == RIGHT
    os._exit(0 if right else 1)


def fork():
    n = 0
    while True:
        pid = os.fork()
        if not pid:
            signal.alarm(20)
            child(n % 10 == 0)
        if n % 10:
            if os.waitpid(pid, 0)[1]:
                words.put(page, words.WRONG, words.get(page, words.WRONG) + 1)
        else:
            threading.Thread(target=collect, args=(pid,), daemon=True).start()
        n += 1
        words.put(page, words.FORKS, n)
        words.put(page, words.READY, 1)
        time.sleep(0.05)


def collect(pid):
    if os.waitpid(pid, 0)[1]:
        words.put(page, words.WRONG, words.get(page, words.WRONG) + 1)


for i in range(WORKERS):
    threading.Thread(target=work, args=(i,), daemon=True).start()
fork()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""fork_loop.py STATE: forks without end and keeps the time of the longest fork."""
import mmap
import os
import sys
import time

import target_words as words

with open(sys.argv[1], "r+b") as shared:
    page = mmap.mmap(shared.fileno(), mmap.PAGESIZE)
n = 0
while True:
    begin = time.monotonic_ns()
    pid = os.fork()
    if not pid:
        os._exit(0)
    took = time.monotonic_ns() - begin
    os.waitpid(pid, 0)
    if took > words.get(page, words.GAP):
        words.put(page, words.GAP, took)
    n += 1
    words.put(page, words.LOOPS, n)
    words.put(page, words.READY, 1)
    time.sleep(0.01)  # a fifth of the stall that is too long

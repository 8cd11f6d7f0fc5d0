# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""As arenas_pinned, with pages of text too large for pymalloc: it is glibc's heap that keeps the holes."""
import time

TRUTH = {"class": "retention", "hint": "malloc-fragmentation"}

PART = 100
ROUNDS = 12
SIZE = 3000
STEP = 30  # one page of text that stays in 90 kB of work
PAGES = [bytes(SIZE) for _ in range(ROUNDS * PART)]


def batch(n):
    work = [bytes(SIZE) for _ in range(n * PART * STEP)]  # fills what the last ones left
    for i in range(n * PART, n * PART + PART):
        PAGES[i] = bytes(SIZE)
        work.extend([bytes(SIZE) for _ in range(STEP - 1)])


def main():
    print("ready", flush=True)
    for n in range(ROUNDS):
        time.sleep(1.5)
        batch(n)
    time.sleep(120)


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A table of fixed size is refreshed part by part, each time at the end of a batch that is larger than
the one before: the fresh rows pin the pools they were born in, and what the batch gave back stays."""
import time

TRUTH = {"class": "retention", "hint": "arena-fragmentation"}

PART = 2000
ROUNDS = 12
SIZE = 200
STEP = 4096 // (SIZE + 48)  # one row for each pool of 4 KiB, the smallest there are (3.8 and 3.9)
ROWS = [bytes(SIZE) for _ in range(ROUNDS * PART)]


def batch(n):
    work = [bytes(SIZE) for _ in range(n * PART * STEP)]  # fills what the last ones left
    for i in range(n * PART, n * PART + PART):
        ROWS[i] = bytes(SIZE)
        work.extend([bytes(SIZE) for _ in range(STEP - 1)])


def main():
    print("ready", flush=True)
    for n in range(ROUNDS):
        time.sleep(1.5)
        batch(n)
    time.sleep(120)


main()

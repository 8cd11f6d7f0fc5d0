# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A sparse table in huge pages: a byte here and there, 2 MiB each time."""
import mmap
import time

TRUTH = {"class": "retention", "hint": "huge-pages"}

HUGE = 2 << 20
TABLE = mmap.mmap(-1, 128 * HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def main():
    TABLE.madvise(mmap.MADV_HUGEPAGE)
    print("ready", flush=True)
    for n in range(1, 120):
        time.sleep(0.3)
        TABLE[n * HUGE + 17] = 1
    time.sleep(120)


main()

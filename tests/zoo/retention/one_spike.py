# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One large batch, over before anybody looks: its memory stays, for a handful of survivors."""
import time

TRUTH = {"class": "retention", "hint": "arena-fragmentation"}

KEEP = []


def batch():
    work = [bytes(64) for _ in range(1000000)]
    KEEP.extend(work[::30])


def main():
    batch()
    print("ready", flush=True)
    time.sleep(180)


main()

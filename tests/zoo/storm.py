# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""More than five million births a second on each of --threads threads, with a checksum and a
stall meter: the target that a tool must not hurt. --rate dicts a second are leaked (0: none)."""
import sys
import threading
import time

from common import Meter, size_of

KEPT = []
EXPECT = sum(range(1000)) * 0.5


def turn():
    """A thousand floats, some lists and tuples; the sum is known."""
    values = [i * 0.5 for i in range(1000)]
    pairs = [(v,) for v in values[:300]]
    boxes = [[p] for p in pairs]
    return sum(values) if len(boxes) == 300 else -1.0


RECORD_SIZE = size_of({"kept": True, "why": None, "n": 1})


def keep():
    record = {"kept": True, "why": None, "n": 1}  # LEAK
    KEPT.append(record)  # GROWS
    return size_of(record)


def storm(stop, wrong, turns, slot, owed):
    while not stop.is_set():
        if turn() != EXPECT:
            wrong[0] += 1
        turns[slot] += 1
        while owed[slot]:
            owed[slot] -= 1
            keep()


def main():
    meter = Meter(rate=0, rest=False, threads=1, stats="")
    stop, wrong, turns, owed = threading.Event(), [0], [0] * 512, [0] * 512
    threads = []
    for slot in range(1, meter.args.threads):
        threads.append(threading.Thread(target=storm, args=(stop, wrong, turns, slot, owed)))
        threads[-1].start()
    worst = 0.0
    last = report = time.monotonic()
    while meter.running():
        if turn() != EXPECT:
            wrong[0] += 1
        turns[0] += 1
        for i in range(meter.due()):
            # Every thread keeps its part.
            slot = i % meter.args.threads
            if slot:
                owed[slot] += 1
                meter.leaked(RECORD_SIZE)
            else:
                meter.leaked(keep())
        now = time.monotonic()
        worst = max(worst, now - last)
        last = now
        if meter.args.stats and now - report > 0.1:
            report = now
            with open(meter.args.stats, "a") as f:
                f.write('{"t": %.6f, "turns": %d, "wrong": %d, "worst_gap_s": %.6f}\n'
                        % (now, sum(turns), wrong[0], worst))
            worst = 0.0
            last = time.monotonic()
    stop.set()
    for t in threads:
        t.join()
    sys.exit(1 if wrong[0] else 0)


main()

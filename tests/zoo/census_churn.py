# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A constant population while everything around it comes and goes as fast as it can; the truth is how many rounds of
that were made by when, and in how much CPU time."""
import argparse
import json
import threading
import time


class Constant:
    __slots__ = ("a", "b")


def churn(progress, slot):
    """Pools fill and empty, lists grow past pymalloc, cycles wait for the collector."""
    while True:
        rows = [{"i": i, "t": (i, str(i)), "f": i * 0.5} for i in range(2000)]
        big = [list(range(300)) for _ in range(50)]
        for row in rows[::7]:
            row["self"] = row
        del rows[::2]
        progress[slot] += 1
        del rows, big


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--truth", required=True)
    p.add_argument("--count", type=int, default=20000)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    kept = []
    for i in range(a.count):
        c = Constant()
        c.a, c.b = [i], (i, str(i))
        kept.append(c)
    progress = [0] * a.threads
    for slot in range(a.threads):
        threading.Thread(target=churn, args=(progress, slot), daemon=True).start()
    while True:
        with open(a.truth, "a") as f:
            f.write(json.dumps({"wall": time.time(), "cpu": time.process_time(), "rounds": sum(progress)}) + "\n")
        time.sleep(0.5)


if __name__ == "__main__":
    main()

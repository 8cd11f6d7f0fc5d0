# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that leaks in six lines at once, as work comes: by chance. --twice LINE: one of them at twice its rate."""
import argparse
import math
import random
import time

KEPT = {name: [] for name in ("order", "session", "word", "pair", "page", "log")}
RATE = {"order": 300.0, "session": 60.0, "word": 900.0, "pair": 150.0, "page": 40.0, "log": 2.0}


class Session:
    def __init__(self, n):
        self.user = n


def order(n):
    KEPT["order"].append({"customer": n, "items": 3, "paid": True})


def session(n):
    KEPT["session"].append(Session(n))


def word(n):
    KEPT["word"].append("word %d" % n)


def pair(n):
    KEPT["pair"].append((n, float(n)))


def page(n):
    KEPT["page"].append(bytes(3000 + n % 1000))


def log(_):
    KEPT["log"].append(open("/dev/null", encoding="utf-8"))  # noqa: SIM115


def churn():
    return sum(len(str({"a": i, "b": [i]})) for i in range(40))


def times(mean):
    """How often something happens of which each time is independent of the others (Knuth)."""
    n, p, least = 0, random.random(), math.exp(-mean)
    while p > least:
        n += 1
        p *= random.random()
    return n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--twice", choices=sorted(RATE))
    args = parser.parse_args()
    if args.twice:
        RATE[args.twice] *= 2
    begin = last = time.monotonic()
    n = 0
    while last < begin + args.seconds:
        time.sleep(0.004)
        now = time.monotonic()
        for name, rate in RATE.items():
            for _ in range(times(rate * (now - last))):
                n += 1
                globals()[name](n)
        churn()
        last = now


main()

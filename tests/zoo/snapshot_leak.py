# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds known objects in known places, then stops itself: what a snapshot and a core are made of."""
import argparse
import collections
import functools
import json
import os
import signal
import threading


class Session:
    def __init__(self, n):
        self.n = n
        self.data = {"n": n, "text": "session %d" % n}


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, n):
        self.a = n
        self.b = str(n)


REGISTRY = {}


@functools.lru_cache(maxsize=None)
def cached(n):
    return Session(n)


def fill():
    for i in range(5000):
        REGISTRY[i] = Session(i)
    for i in range(300):
        cached(i)
    queue = collections.deque(Slotted(i) for i in range(700))
    floats = [i + 0.5 for i in range(20000)]
    buffers = [bytearray(100000) for _ in range(20)]
    return queue, floats, buffers


def waiter(event, local_sets):
    event.wait()
    return local_sets


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--truth")
    args = parser.parse_args()
    kept = fill()
    event = threading.Event()
    thread = threading.Thread(target=waiter, args=(event, [{i} for i in range(400)]), daemon=True)
    thread.start()
    with open(args.truth, "w") as f:
        f.write(json.dumps({"Session": 5300, "Slotted": 700}) + "\n")
    os.kill(os.getpid(), signal.SIGSTOP)
    event.set()
    return kept


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Seven leaks of seven kinds at once. Behind each HINT: the code of the hint its site must have, and a word of
the path that must hold it."""
import ctypes
import functools
import gc
import queue

from common import Meter, request

gc.disable()
REGISTRY = {}
CALLBACKS = []
BACKLOG = queue.Queue()
ERRORS = []


class Session:
    def __init__(self, number):
        self.number = number


class Ring(Session):
    pass


class Lost(Session):
    pass


def register(n):
    REGISTRY[n] = Session(n)  # HINT unbounded-container REGISTRY


@functools.lru_cache(maxsize=None)
def load(n):
    return Session(n)  # HINT lru-cache load


def subscribe(n):
    session = Session(n)  # HINT closure session
    CALLBACKS.append(lambda: session)


def enqueue(n):
    BACKLOG.put(Session(n))  # HINT queue-backlog BACKLOG


def fail(n):
    local = Session(n)  # HINT exception-traceback ERRORS
    raise ValueError(local.number)


def cycle(n):
    ring = Ring(n)  # HINT cycle-gc-disabled cycle
    ring.me = ring


def lose(n):
    lost = Lost(n)  # HINT unreferenced unreferenced
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))


def main():
    meter = Meter(rate=60)
    n = 0
    while meter.running():
        request(n)
        for _ in range(meter.due()):
            n += 1
            register(n)
            load(n)
            subscribe(n)
            enqueue(n)
            try:
                fail(n)
            except ValueError as e:
                ERRORS.append(e)
            cycle(n)
            lose(n)
            meter.leaked(64, 7)


main()

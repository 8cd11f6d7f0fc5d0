# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Not a leak each, and no case of its own: what is kept in containers that have a bound, or seem to."""
import collections
import functools
import queue
import sys
import time

CACHE_SIZE = 700
MAX_RETRIES = 900
LIMIT = 20
MAX_SIZE = 5 * 1024 * 1024  # of an upload
CACHE = {}
TABLE = {}
PASSED_MAX = 30
PASSED = []
RECENT = collections.deque(maxlen=500)
PLAIN = collections.deque()


class Store:
    def __init__(self):
        self.max_bytes = 9000
        self._max_entries = 800
        self.rows = {}


class Client:
    def __init__(self):
        self.limit = 900  # rows of one request
        self.max_workers = 950
        self.history = []


class Slots:
    __slots__ = ("maxsize", "rows")

    def __init__(self):
        self.maxsize = 850
        self.rows = {}


class Sized:
    """As an LRUCache of cachetools that has a getsizeof."""

    def __init__(self):
        self.__maxsize = 64 << 20
        self.__currsize = 0
        self.__data = {}

    def put(self, key, value):
        self.__data[key] = value
        self.__currsize += 4096


class Table(dict):
    MAX_ITEMS = 650


STORE = Store()
CLIENT = Client()
SLOTS = Slots()
SIZED = Sized()
OWN = Table()
QUEUE = queue.Queue(maxsize=600)


@functools.lru_cache(maxsize=1100)
def cached(n):
    return Held()


@functools.lru_cache(maxsize=None)
def unbounded(n):
    return Held()


class Held:
    pass


# BOUND <the store's name> <most or none>
for n in range(300):
    RECENT.append(Held())  # BOUND RECENT 500
    PLAIN.append(Held())  # BOUND PLAIN none
    cached(n)  # BOUND cached 1100
    unbounded(n)  # BOUND unbounded none
    STORE.rows[n] = Held()  # BOUND STORE 800
    CLIENT.history.append(Held())  # BOUND CLIENT none
    SLOTS.rows[n] = Held()  # BOUND SLOTS 850
    SIZED.put(n, Held())  # BOUND SIZED 16384
    OWN[n] = Held()  # BOUND OWN 650
    QUEUE.put(Held())  # BOUND QUEUE 600
    CACHE[n] = Held()  # BOUND CACHE 700
    TABLE[n] = Held()  # BOUND TABLE none
    PASSED.append(Held())  # BOUND PASSED none
with open(sys.argv[1], "w") as ready:
    ready.write("x")
while True:
    time.sleep(0.05)

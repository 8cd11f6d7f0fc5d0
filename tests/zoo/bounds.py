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
SLOTS = Slots()
SIZED = Sized()
OWN = Table()
QUEUE = queue.Queue(maxsize=600)


@functools.lru_cache(maxsize=1100)
def cached(n):
    return InLru()


@functools.lru_cache(maxsize=None)
def unbounded(n):
    return InUnbounded()


# BOUND <class> <most or none>
class InDeque: pass  # noqa: E701  BOUND 500
class InPlain: pass  # noqa: E701  BOUND none
class InLru: pass  # noqa: E701  BOUND 1100
class InUnbounded: pass  # noqa: E701  BOUND none
class InStore: pass  # noqa: E701  BOUND 800
class InSlots: pass  # noqa: E701  BOUND 850
class InSized: pass  # noqa: E701  BOUND 16384
class InOwn: pass  # noqa: E701  BOUND 650
class InQueue: pass  # noqa: E701  BOUND 600
class InCache: pass  # noqa: E701  BOUND 700
class InTable: pass  # noqa: E701  BOUND none
class InPassed: pass  # noqa: E701  BOUND none


for n in range(300):
    RECENT.append(InDeque())
    PLAIN.append(InPlain())
    cached(n)
    unbounded(n)
    STORE.rows[n] = InStore()
    SLOTS.rows[n] = InSlots()
    SIZED.put(n, InSized())
    OWN[n] = InOwn()
    QUEUE.put(InQueue())
    CACHE[n] = InCache()
    TABLE[n] = InTable()
    PASSED.append(InPassed())
with open(sys.argv[1], "w") as ready:
    ready.write("x")
while True:
    time.sleep(0.05)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A service tells the truth about itself: which leak is planted in it, and how many objects it has leaked.

Two can be planted in any service, by the clock, as its requests come: `pace-R` keeps R objects a second, `cache-K` has a
cache of at most K entries that fills ever more slowly, as it is asked for 200 keys a second that come by chance.
"""
import json
import os
import random
import time

PLANTED = os.environ.get("PLANTED", "")
WHERE = os.environ.get("TRUTH", "")
EVERY_S = 0.25
counts = {"n": 0, "next": 0.0}
KIND, _, NUMBER = PLANTED.partition("-")
KEPT = []
CACHE = {}
LOOKUPS = 200  # a second


class Kept:
    __slots__ = ("n",)


def leaked(n=1):
    """In this process; a row every now and then, so that it costs little."""
    counts["n"] += n
    if WHERE and time.monotonic() >= counts["next"]:
        counts["next"] = time.monotonic() + EVERY_S
        row = {"pid": os.getpid(), "wall": time.time(), "leaked_count": counts["n"], "leaked_bytes": 0}
        fd = os.open("%s.%d" % (WHERE, row["pid"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(fd, (json.dumps(row) + "\n").encode())
        os.close(fd)


def due(per_s):
    """As many as have come due since the last time."""
    begin = counts.setdefault("begin", time.monotonic())
    n = int((time.monotonic() - begin) * per_s) - counts.get("due", 0)
    counts["due"] = counts.get("due", 0) + n
    return n


def keep():
    for _ in range(due(int(NUMBER))):
        KEPT.append(Kept())  # LEAK pace
        leaked()


def look_up():
    for _ in range(due(LOOKUPS)):
        key = random.randrange(int(NUMBER))
        if key not in CACHE:
            CACHE[key] = Kept()
            leaked()


def work(n):
    """Makes an answer of some 40 objects, all dropped again."""
    if KIND == "pace":
        keep()
    elif KIND == "cache":
        look_up()
    order = json.loads('{"id": %d, "tags": ["a%d", "b"], "price": %d.25}' % (n, n % 97, n % 1000))
    lines = [(tag, order["price"] * i) for i, tag in enumerate(order["tags"])]
    view = {"id": order["id"], "total": sum(p for _, p in lines), "key": "-".join(order["tags"])}
    return "%(id)s %(total)s %(key)s" % view

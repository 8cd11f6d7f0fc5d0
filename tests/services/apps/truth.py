# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A service tells the truth about itself: which leak is planted in it, and how many objects it has leaked."""
import json
import os
import time

PLANTED = os.environ.get("PLANTED", "")
WHERE = os.environ.get("TRUTH", "")
EVERY_S = 0.25
counts = {"n": 0, "next": 0.0}


def leaked(n=1):
    """In this process; a row every now and then, so that it costs little."""
    counts["n"] += n
    if WHERE and time.monotonic() >= counts["next"]:
        counts["next"] = time.monotonic() + EVERY_S
        row = {"pid": os.getpid(), "wall": time.time(), "leaked_count": counts["n"], "leaked_bytes": 0}
        fd = os.open("%s.%d" % (WHERE, row["pid"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(fd, (json.dumps(row) + "\n").encode())
        os.close(fd)


def work(n):
    """Makes an answer of some 40 objects, all dropped again."""
    order = json.loads('{"id": %d, "tags": ["a%d", "b"], "price": %d.25}' % (n, n % 97, n % 1000))
    lines = [(tag, order["price"] * i) for i, tag in enumerate(order["tags"])]
    view = {"id": order["id"], "total": sum(p for _, p in lines), "key": "-".join(order["tags"])}
    return "%(id)s %(total)s %(key)s" % view

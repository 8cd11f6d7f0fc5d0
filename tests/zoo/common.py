# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pace, honest work and truth of the zoo programs. Nothing in here keeps what it makes."""
import argparse
import json
import os
import sys
import time

TRUTH_EVERY_S = 0.5


def request(n):
    """One request of a small service: parse, look, format; some 40 objects, all dropped again."""
    text = '{"id": %d, "tags": ["a%d", "b"], "price": %d.25}' % (n, n % 97, n % 1000)
    order = json.loads(text)
    lines = [(tag, order["price"] * i) for i, tag in enumerate(order["tags"])]
    view = {"id": order["id"], "total": sum(p for _, p in lines), "key": "-".join(order["tags"])}
    return len("%(id)s %(total)s %(key)s" % view)


class Meter:
    """Says when a leak is due (by the clock, so that the rate is what was asked for), and counts."""

    def __init__(self, rate, rest=True, **extra):
        parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
        parser.add_argument("--rate", type=float, default=rate, help="leaks per second")
        parser.add_argument("--truth", help="file for what was really leaked, as JSON lines")
        parser.add_argument("--seconds", type=float, default=180.0)
        parser.add_argument("--pause", type=float, default=0.00047, help="seconds it rests after 67 requests")
        for name, default in extra.items():
            parser.add_argument("--" + name, type=type(default), default=default)
        self.args = parser.parse_args()
        self.rate = self.args.rate
        self.rest = rest
        self.leaked_count = 0
        self.leaked_bytes = 0
        self.owed_done = 0
        self.turns = 0
        self.fd = -1
        if self.args.truth:
            self.fd = os.open(self.args.truth, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.start = self.last = time.monotonic()
        self.pace_from = self.start
        self.next_truth = 0.0

    def due(self):
        """How many leaks the clock asks for by now."""
        now = time.monotonic()
        if now - self.last > 1.0:
            # We were stopped or starved: what was missed then is not made up for in one go.
            self.pace_from += now - self.last
        self.last = now
        n = int((now - self.pace_from) * self.rate) - self.owed_done
        if n > 0:
            self.owed_done += n
            return n
        return 0

    def leaked(self, nbytes, count=1):
        self.leaked_count += count
        self.leaked_bytes += nbytes

    def write_truth(self, now):
        line = '{"t": %.6f, "wall": %.6f, "leaked_count": %d, "leaked_bytes": %d}\n' % (
            now,
            time.time(),
            self.leaked_count,
            self.leaked_bytes,
        )
        os.write(self.fd, line.encode())

    def running(self):
        """Once per request: rests now and then, writes the truth; False when the time is over."""
        self.turns += 1
        if self.rest and self.turns % 67 == 0:
            time.sleep(self.args.pause)
        now = time.monotonic()
        if self.fd >= 0 and now >= self.next_truth:
            self.next_truth = now + TRUTH_EVERY_S
            self.write_truth(now)
        return now - self.start < self.args.seconds


size_of = sys.getsizeof
"""Bytes of an object with its gc head, without what it points at."""

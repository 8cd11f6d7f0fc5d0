# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a cache that is full; each new entry pushes the oldest one out."""
from collections import OrderedDict

from common import Meter, request

CACHE = OrderedDict()
LIMIT = 4000


def lookup(n):
    value = CACHE.get(n)
    if value is None:
        value = CACHE[n] = {"n": n, "body": "body of %d" % n}
        if len(CACHE) > LIMIT:
            CACHE.popitem(last=False)
    return value


def main():
    for n in range(LIMIT):
        lookup(n)
    meter = Meter(rate=1987)
    n = LIMIT
    while meter.running():
        request(n)
        for _ in range(meter.due()):
            n += 1
            lookup(n)


main()

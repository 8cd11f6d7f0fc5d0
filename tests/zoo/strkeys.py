# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A dict of counters by client key: keys come, none ever goes."""
from common import Meter, request, size_of

HITS = {}


def count_hit(n):
    HITS["client:%012d:/index.html" % n] = True  # LEAK


def main():
    meter = Meter(rate=1987)
    n = leaked = 0
    one = size_of("client:%012d:/index.html" % 0)
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            leaked += 1
            count_hit(leaked)
            meter.leaked(one)


main()

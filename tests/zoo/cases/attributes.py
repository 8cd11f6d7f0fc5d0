# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each connection remembers its answers as attributes of its own: no container grows that has a name."""
# TRUTH class=leak objects=2 hint=unbounded-container
from case import run


class Connection:
    pass


POOL = [Connection() for _ in range(20)]


def remember(n):
    setattr(POOL[n % 20], "answer_%d" % n, {"n": n})  # LEAK


run(remember, rate=293)

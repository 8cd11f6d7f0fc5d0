# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: sessions live for five seconds and are swept."""
# TRUTH class=steady,warmup
import collections

from case import run

SESSIONS = collections.OrderedDict()


def login(n):
    SESSIONS[n] = {"user": n, "basket": []}
    if n > 1500:
        SESSIONS.pop(n - 1500)


run(login, rate=300, leaks=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Streams are read up to their first item and then forgotten in a list."""
# TRUTH class=leak hint=task-not-ended
from case import run

STREAMS = []


async def stream(n):  # LEAK: from here it makes its frame
    page = [n, None]  # LEAK
    while True:
        yield page


def first(n):
    pages = stream(n)  # LEAK
    STREAMS.append(pages)
    try:
        pages.asend(None).send(None)  # LEAK
    except StopIteration:
        pass


run(first, rate=200)

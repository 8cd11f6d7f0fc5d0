# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Parsed messages are archived: the objects are born inside the C parser of json.loads."""
import json

from common import Meter, request, size_of

ARCHIVE = []
TEXT = '{"price": 10.25, "name": "a rather long name", "rows": [700.5, 1200.125]}'


def archive():
    message = json.loads(TEXT)  # LEAK
    ARCHIVE.append(message)  # GROWS


def cost():
    """Keys are shared through the parser's memo only within one call, so they count too."""
    message = json.loads(TEXT)
    parts = [message, message["rows"], message["price"], message["name"]]
    parts += message["rows"]
    parts += message
    return sum(map(size_of, parts)), len(parts)


def main():
    meter = Meter(rate=387)
    nbytes, count = cost()
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            archive()
            meter.leaked(nbytes, count)


main()

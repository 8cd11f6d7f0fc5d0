# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The words of each line are indexed and kept: born inside the C matcher of re.findall."""
import re

from common import Meter, request, size_of

INDEX = []
LINE = "GET /catalogue/item?colour=green HTTP/1.1 from example"
WORD = re.compile("[A-Za-z]{4,}")


def index():
    words = WORD.findall(LINE)  # LEAK
    INDEX.append(words)  # GROWS


def main():
    meter = Meter(rate=383)
    words = WORD.findall(LINE)
    nbytes = size_of(words) + sum(map(size_of, words))
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            index()
            meter.leaked(nbytes, 1 + len(words))


main()

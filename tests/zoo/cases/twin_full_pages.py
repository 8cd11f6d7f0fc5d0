# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a cache of pages that is full from the start, asked for by chance; pages differ in length."""
# TRUTH class=steady,warmup
import collections
import random

from case import run

MAX = 5000
PAGES = collections.OrderedDict()


class Page:
    def __init__(self, number):
        self.number = number
        self.body = "<p>%d</p>" % number * 20


def get(_):
    number = random.randrange(20000)
    page = PAGES.get(number)
    if page is None:
        PAGES[number] = Page(number)
        if len(PAGES) > MAX:
            PAGES.popitem(last=False)
    else:
        PAGES.move_to_end(number)
    return page


for n in random.sample(range(20000), MAX):
    PAGES[n] = Page(n)
run(get, rate=400, leaks=False)

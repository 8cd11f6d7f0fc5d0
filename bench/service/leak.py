# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A page for all servers, and a leak: one object a request, unless they are to be innocent."""
import os

SEEN = []
FORGET = 1000  # no item of the load: a pair is over, and its leak is no part of the next one


class Visit:
    def __init__(self, number):
        self.number = number


def page(number):
    if number == FORGET:
        SEEN.clear()
    elif not os.environ.get("INNOCENT"):
        SEEN.append(Visit(number))
    return {"rows": [{"id": k, "name": "row %d" % k, "price": k * 1.5} for k in range(30)]}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A callback is registered per request; what it captured lives as long as the list."""
# TRUTH class=leak hint=closure
from case import run

CALLBACKS = []


def handle(n):
    context = {"request": n, "user": None}  # LEAK

    def done():  # LEAK
        return context

    CALLBACKS.append(done)


run(handle, rate=300)

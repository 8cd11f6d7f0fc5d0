# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finished tasks are kept with their results."""
# TRUTH class=leak hint=unbounded-container library
import asyncio

from case import run

LOOP = asyncio.new_event_loop()
DONE = []


async def fetch(n):
    return {"status": 200, "n": n}  # LEAK


def start(n):
    DONE.append(LOOP.create_task(fetch(n)))  # LEAK
    LOOP.call_soon(LOOP.stop)
    LOOP.run_forever()  # LEAK: the result is made below it


run(start, rate=100)

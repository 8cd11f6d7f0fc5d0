# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tasks wait for an answer that nobody will send."""
# TRUTH class=leak hint=task-not-ended library
import asyncio

from case import run

LOOP = asyncio.new_event_loop()
WAITING = set()


async def ask():
    await LOOP.create_future()  # LEAK


def send(n):
    WAITING.add(LOOP.create_task(ask()))  # LEAK
    LOOP.call_soon(LOOP.stop)
    LOOP.run_forever()  # LEAK: the future is made below it


run(send, rate=100)

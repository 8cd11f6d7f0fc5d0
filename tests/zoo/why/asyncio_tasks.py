# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tasks in a set that is never emptied; each waits for ever."""

# TYPE Leaked
# ROOT module __main__ :: BACKGROUND (set
# LAST local session
import asyncio

from held import N, Leaked, ready

BACKGROUND = set()


async def handle(future):
    session = Leaked()
    await future
    return session


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    for i in range(N):
        BACKGROUND.add(loop.create_task(handle(future)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ready()
    await future


asyncio.run(main())

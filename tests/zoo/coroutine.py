# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An asyncio consumer logs every message into a list between two awaits."""
import asyncio

from common import Meter, request, size_of

LOG = []


async def store(n):
    entry = {"message": n, "seen": False, "from": "queue"}  # LEAK
    await asyncio.sleep(0)
    LOG.append(entry)  # GROWS
    return size_of(entry)


async def consume(meter):
    while True:
        for _ in range(meter.due()):
            meter.leaked(await store(5))
        await asyncio.sleep(0.0011)


async def serve(meter):
    n = 0
    while meter.running():
        n += 1
        request(n)
        await asyncio.sleep(0)


async def main():
    meter = Meter(rate=787)
    consumer = asyncio.ensure_future(consume(meter))
    await serve(meter)
    consumer.cancel()


asyncio.run(main())

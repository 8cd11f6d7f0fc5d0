# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An event loop per call that is never closed: a poll object and a pair of sockets each."""
# TRUTH {"kind": "fd", "hint": "socket-not-closed", "per_turn": 3, "lines": "several"}
import asyncio

from pace import KEPT, run


async def work():
    return 1


def call(n):
    loop = asyncio.new_event_loop()  # LEAK
    loop.run_until_complete(work())
    KEPT.append(loop)


run(call)

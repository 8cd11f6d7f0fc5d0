# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""aiohttp's server; planted: each request leaves a task that waits for an event that never comes."""
import asyncio
import sys

import truth
from aiohttp import web

WAITING = set()


async def follow_up(event):
    await event.wait()


async def index(request):
    n = int(request.query_string or 0)
    if truth.PLANTED == "task":
        WAITING.add(asyncio.create_task(follow_up(request.app["never"])))  # LEAK task
        truth.leaked()
    await asyncio.sleep(0)
    return web.json_response({"answer": truth.work(n)})


async def begin(app):
    app["never"] = asyncio.Event()


app = web.Application()
app.on_startup.append(begin)
app.router.add_get("/", index)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)

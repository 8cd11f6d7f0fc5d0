# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starlette under uvicorn, with a middleware; planted: a background task keeps what it has done."""
import starlette.applications
import starlette.background
import starlette.middleware
import starlette.middleware.base
import starlette.responses
import starlette.routing
import truth


class Timing(starlette.middleware.base.BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


class Done:
    __slots__ = ("method", "status")


class Tracker:
    seen = []

    def note(self):
        if truth.PLANTED == "record":
            self.seen.append(Done())  # LEAK record
            truth.leaked()


tracker = Tracker()


async def index(request):
    task = starlette.background.BackgroundTask(tracker.note)
    return starlette.responses.PlainTextResponse(truth.work(int(request.url.query or 0)), background=task)


application = starlette.applications.Starlette(
    routes=[starlette.routing.Route("/", index)],
    middleware=[starlette.middleware.Middleware(Timing)],
)

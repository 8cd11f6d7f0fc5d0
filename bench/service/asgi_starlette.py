# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A page and a leak: one object a request, unless it is innocent."""
import os

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

SEEN = []


class Visit:
    def __init__(self, number):
        self.number = number


async def item(request):
    if not os.environ.get("INNOCENT"):
        SEEN.append(Visit(request.path_params["number"]))
    return JSONResponse([{"id": k, "name": "row %d" % k, "price": k * 1.5} for k in range(30)])


app = Starlette(routes=[Route("/item/{number:int}", item)])

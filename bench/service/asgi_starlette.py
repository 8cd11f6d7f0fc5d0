# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
from leak import page
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def item(request):
    return JSONResponse(page(request.path_params["number"]))


app = Starlette(routes=[Route("/item/{number:int}", item)])

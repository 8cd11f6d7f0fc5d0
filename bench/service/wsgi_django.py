# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A page and a leak: one object a request, unless it is innocent."""
import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import JsonResponse
from django.urls import path

SEEN = []


class Visit:
    def __init__(self, number):
        self.number = number


def item(_request, number):
    if not os.environ.get("INNOCENT"):
        SEEN.append(Visit(number))
    return JsonResponse({"rows": [{"id": k, "name": "row %d" % k, "price": k * 1.5} for k in range(30)]})


urlpatterns = [path("item/<int:number>", item)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", DEBUG=False)
django.setup()
app = WSGIHandler()

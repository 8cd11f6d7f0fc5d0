# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import JsonResponse
from django.urls import path
from leak import page


def item(_request, number):
    return JsonResponse(page(number))


urlpatterns = [path("item/<int:number>", item)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", DEBUG=False,
                   MIDDLEWARE=["django.middleware.common.CommonMiddleware"])  # fmt: skip
django.setup()
app = WSGIHandler()

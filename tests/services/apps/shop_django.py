# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Django: a database, a template, a signal; planted: a receiver is connected for each order, or querysets
are kept by a key that never comes again."""
import django
import truth
from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="not a secret",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django import dispatch, http, template, urls  # noqa: E402
from django.core import wsgi  # noqa: E402
from django.db import connection, models  # noqa: E402

TEMPLATE = template.engines["django"].from_string("{% for order in page %}<p>{{ order.note }}</p>{% endfor %}")
PAGES = {}
shipped = dispatch.Signal()


class Order(models.Model):
    note = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"


class Receipt:
    __slots__ = ("order",)

    def __call__(self, **more):
        """Nothing is shipped while it is watched."""


def page(n):
    pages = {}
    if truth.PLANTED == "queryset":
        pages = PAGES
        truth.leaked()
    return TEMPLATE.render({"page": pages.setdefault(n, Order.objects.filter(id__gt=n % 90).order_by("id")[:3])})  # LEAK queryset


def index(request):
    n = int(request.META["QUERY_STRING"] or 0)
    Order.objects.filter(id=n % 100).update(note=truth.work(n))
    if truth.PLANTED == "receiver":
        shipped.connect(Receipt(), weak=False)  # LEAK receiver
        truth.leaked()
    return http.HttpResponse(page(n))


with connection.schema_editor() as editor:
    editor.create_model(Order)
Order.objects.bulk_create(Order(id=n, note="a note") for n in range(100))
urlpatterns = [urls.path("", index)]
application = wsgi.get_wsgi_application()

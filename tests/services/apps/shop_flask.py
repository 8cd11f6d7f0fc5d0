# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Flask: templates, a session and a hook after each request; planted: the hook keeps a record."""
import flask
import truth

application = flask.Flask("shop")
application.secret_key = b"not a secret"
PAGE = "<h1>{{ title }}</h1>{% for row in rows %}<p>{{ row }}</p>{% endfor %}"
AUDIT = []


class Record:
    __slots__ = ("method", "status")

    def __init__(self, method, status):
        self.method, self.status = method, status


@application.after_request
def audit(answer):
    if truth.PLANTED == "record":
        AUDIT.append(Record("GET", "200 OK"))  # LEAK record
        truth.leaked()
    return answer


@application.route("/")
def index():
    n = int(flask.request.query_string or 0)
    flask.session["seen"] = n
    return flask.render_template_string(PAGE, title=n, rows=[truth.work(n + i) for i in range(5)])

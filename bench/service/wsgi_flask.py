# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A page and a leak: one object a request, unless it is innocent."""
import os

from flask import Flask, jsonify

app = Flask(__name__)
SEEN = []


class Visit:
    def __init__(self, number):
        self.number = number


@app.route("/item/<int:number>")
def item(number):
    if not os.environ.get("INNOCENT"):
        SEEN.append(Visit(number))
    rows = [{"id": k, "name": "row %d" % k, "price": k * 1.5} for k in range(30)]
    return jsonify(number=number, rows=rows)

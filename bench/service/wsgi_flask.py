# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
from flask import Flask, jsonify
from leak import page

app = Flask(__name__)


@app.route("/item/<int:number>")
def item(number):
    return jsonify(page(number))

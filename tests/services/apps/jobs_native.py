# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Orders of an extension; planted: they are kept, or C++ forgets one that it made, or a reference. `jobs_native.py MODULE`"""
import importlib
import sys

import truth
import worker

shop = importlib.import_module(sys.argv[1])
ORDERS = []


def job(n):
    order = shop.Order(n % 100)  # LEAK object
    if truth.PLANTED == "object":
        ORDERS.append(order)
        truth.leaked()
    if truth.PLANTED == "new":
        shop.forget(n % 100)  # LEAK new
        truth.leaked()
    if truth.PLANTED == "reference":
        shop.echo({"n": n})  # LEAK reference
        truth.leaked()
    return truth.work(n), order.total()


worker.run(job)

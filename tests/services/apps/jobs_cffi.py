# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Memory of C by cffi; planted: the structures are kept."""
import truth
import worker
from shop_cffi import ffi, lib

ORDERS = []


def job(n):
    order = ffi.new("order *", {"id": n % 100})  # LEAK object
    if truth.PLANTED == "object":
        ORDERS.append(order)
        truth.leaked()
    return truth.work(n), lib.total(order)


worker.run(job)

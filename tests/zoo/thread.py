# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A worker thread keeps every result; the main thread serves requests beside it."""
import threading
import time

from common import Meter, request, size_of

RESULTS = []


def work(n):
    result = {"job": n, "state": "done", "error": None}  # LEAK
    RESULTS.append(result)  # GROWS
    return size_of(result)


def worker(meter):
    while True:
        for _ in range(meter.due()):
            meter.leaked(work(7))
        time.sleep(0.00093)


def main():
    meter = Meter(rate=883)
    threading.Thread(target=worker, args=(meter,), daemon=True).start()
    n = 0
    while meter.running():
        n += 1
        request(n)


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A task of celery; planted: it keeps an invoice each. `tasks.py RATE` asks for them."""
import os
import sys
import time

import celery
import truth

app = celery.Celery("tasks", broker="redis://127.0.0.1:%s/0" % os.environ["REDIS_PORT"])
app.conf.task_ignore_result = True
RESULTS = []


class Invoice:
    __slots__ = ("paid", "method")


@app.task
def bill(n):
    if truth.PLANTED == "invoice":
        RESULTS.append(Invoice())  # LEAK invoice
        truth.leaked()
    return truth.work(n)


if __name__ == "__main__":
    n = 0
    while True:
        n += 1
        bill.delay(n)
        time.sleep(1 / float(sys.argv[1]))

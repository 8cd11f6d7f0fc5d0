# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A parent loads a table and forks; the child only reads it, which writes every reference count."""
import os
import time

TRUTH = {"class": "retention", "hint": "copy-on-write"}

TABLE = [{"name": "customer %d" % n, "id": n} for n in range(200000)]


def child():
    step = 6000
    total = 0
    for n in range(0, len(TABLE), step):
        time.sleep(0.5)
        for row in TABLE[n : n + step]:
            total += len(row["name"])
    time.sleep(120)


def main():
    pid = os.fork()
    if not pid:
        child()
        os._exit(0)
    print("ready", pid, flush=True)
    os.waitpid(pid, 0)


main()

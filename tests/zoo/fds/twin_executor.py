# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: an executor starts its threads one by one as work comes, eight of them."""
# TRUTH {"kind": null}
import time
from concurrent.futures import ThreadPoolExecutor

from pace import run

POOL = ThreadPoolExecutor(8)


def request(n):
    POOL.submit(time.sleep, 1.5)


run(request)

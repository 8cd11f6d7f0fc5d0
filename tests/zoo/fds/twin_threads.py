# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a thread per request that lives for a second or two."""
# TRUTH {"kind": null}
import threading
import time

from pace import run


def request(n):
    threading.Thread(target=time.sleep, args=(1.0 + n % 3 / 2,), daemon=True).start()


run(request)

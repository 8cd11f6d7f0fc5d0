# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An executor per request, never shut down: its thread waits for more work."""
# TRUTH {"kind": "thread", "hint": "thread-not-ended", "per_turn": 1, "type": "thread"}
from concurrent.futures import ThreadPoolExecutor

from pace import KEPT, run


def request(n):
    pool = ThreadPoolExecutor(1)
    pool.submit(abs, n).result()  # LEAK
    KEPT.append(pool)


run(request)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A thread per subscription, which waits for ever."""
# TRUTH {"kind": "thread", "hint": "thread-not-ended", "per_turn": 1, "type": "thread"}
import threading

from pace import run


def subscribe(n):
    worker = threading.Thread(target=threading.Event().wait, daemon=True)
    worker.start()  # LEAK


run(subscribe)

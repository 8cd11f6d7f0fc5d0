# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A variable of a function that never returns, in a thread of its own."""

# TYPE Leaked
# ROOT frame serve :: pending (
# LAST [i] → 
import collections
import threading

from held import N, Leaked, ready


def serve():
    pending = collections.deque()
    for i in range(N):
        pending.append(Leaked())
    done.set()
    threading.Event().wait()


done = threading.Event()
threading.Thread(target=serve, daemon=True).start()
done.wait()

ready()

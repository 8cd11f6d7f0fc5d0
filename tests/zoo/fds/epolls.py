# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A poll object per call."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "eventpoll"}
import select

from pace import KEPT, run


def wait(n):
    poll = select.epoll()  # LEAK
    poll.poll(0)
    KEPT.append(poll)


run(wait)

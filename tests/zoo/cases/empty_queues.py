# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Channels that are opened and never closed, each with a deque that stays empty: it has a block all the same."""
# TRUTH class=leak hint=unbounded-container objects=1
import collections

from case import run

CHANNELS = []


class Channel:
    def __init__(self):
        self.pending = collections.deque()  # LEAK


def open_channel(_):
    CHANNELS.append(Channel())  # LEAK


run(open_channel, rate=100)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The handler of a signal."""

# TYPE Leaked
# ROOT handler of signal 10
# LAST .sessions (list
import signal

from held import N, Leaked, ready


class Reloader:
    def __init__(self):
        self.sessions = [Leaked() for i in range(N)]

    def reload(self, number, frame):
        pass


signal.signal(signal.SIGUSR1, Reloader().reload)

ready()

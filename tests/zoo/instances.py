# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every job object lands in a history list; an ordinary class with a __dict__."""
from common import Meter, request, size_of

HISTORY = []


class Job:
    def __init__(self, queue, state):
        self.queue = queue  # LEAK (3.8-3.10 make the instance's dict here)
        self.state = state
        self.result = None


def submit(queue):
    job = Job(queue, "new")  # LEAK
    HISTORY.append(job)  # GROWS
    return size_of(job)


def main():
    meter = Meter(rate=983)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(submit("mail"))


main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sessions in a store that is full: the oldest makes place, at a number that stands only in the code.
And beside it what was done, of the same size, which nobody deletes; or, with --share N, each Nth session."""
from common import Meter, request

SESSIONS = {}
DONE = []


class Session:
    def __init__(self, n):
        self.key = "session %d" % n
        self.data = {"n": n}


def open_session(n, blob, share=0):
    if len(SESSIONS) >= 8000:
        SESSIONS.pop(next(iter(SESSIONS)))
    SESSIONS[n] = bytes([n & 255]) * blob if blob else Session(n)
    if share and n % share == 0:
        DONE.append(SESSIONS[n])


def note(n, blob):
    DONE.append(bytes([n & 255]) * blob if blob else {"n": n})  # LEAK


def main():
    meter = Meter(rate=293, blob=0, share=0)
    blob = meter.args.blob
    for n in range(9000):
        open_session(n, blob)
    while meter.running():
        request(n)
        for _ in range(meter.due()):
            n += 1
            open_session(n, blob, meter.args.share)
            if not meter.args.share:
                note(n, blob)
            meter.leaked(0)


main()

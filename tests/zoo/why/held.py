# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The objects that programs of this folder keep, and how they say that they are done. The first lines of each tell
what `why` must find: the TYPE to ask for, one of the ROOTs in the first step of the path, LAST behind."""
import os
import sys
import time

N = 300


class Leaked:
    def __init__(self):
        self.payload = "x" * 10

    def method(self):
        return self


Leaked.__module__ = "__main__"


def ready():
    """Tells the test and stays; whoever runs an event loop returns to it."""
    path = sys.argv[1] + ".part"
    with open(path, "w") as f:
        f.write(str(os.getpid()))
    os.rename(path, sys.argv[1])
    if "asyncio" not in sys.modules:
        while True:
            time.sleep(0.05)

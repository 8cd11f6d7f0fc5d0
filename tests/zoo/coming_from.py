# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A small server with one of each: sessions that pile up, files that stay open, cycles that the
collector was told to keep. The examples of docs/COMING-FROM.md are run on it."""
import gc
import os
import time

SESSIONS = {}
OPEN = []


class Session:
    def __init__(self, user):
        self.user = user
        self.cart = []


class Node:
    def __init__(self):
        self.me = self


def login(n):
    SESSIONS[n] = Session("user %d" % n)  # SESSION


def export(n):
    f = open(os.devnull)  # FILE
    OPEN.append(f)


def serve(n):
    for i in range(8):
        login(n * 8 + i)
    if n % 10 == 0:
        export(n)
        Node()
    if n % 50 == 0:
        gc.collect()


def main():
    gc.set_debug(gc.DEBUG_SAVEALL)
    n = 0
    while n < 500:
        n += 1
        serve(n)
    print("ready", flush=True)
    end = time.monotonic() + 300
    while time.monotonic() < end:
        n += 1
        serve(n)
        time.sleep(0.01)


main()

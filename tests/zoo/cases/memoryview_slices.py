# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A slice of ten bytes keeps the buffer of 64 KiB it was cut from."""
# TRUTH class=leak hint=view-pins-base
from case import run

HEADERS = []


def receive(n):
    packet = bytearray(65536)  # LEAK
    HEADERS.append(memoryview(packet)[:10])  # LEAK: the views


run(receive, rate=40)

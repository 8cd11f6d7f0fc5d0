# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Keeps nodes, a type of the program that runs this."""
import time

import nodes

keep = []
print("ready", flush=True)
while True:
    for _ in range(100):
        nodes.Node()
        keep.append(nodes.Node())  # KEPT
    time.sleep(0.01)

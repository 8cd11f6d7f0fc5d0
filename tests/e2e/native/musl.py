# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Takes blocks in C, keeps objects, and says how many bytes of C it has; the extension is built in."""
import os
import sys
import time

import leaky

KEPT = []


def take(i):
    leaky.no_free(700 + i % 500)  # LEAK: heap
    KEPT.append([i])  # LEAK: object
    return 700 + i % 500


go, said = sys.argv[1:3]
while not os.path.exists(go):
    time.sleep(0.02)
begin = time.monotonic()
kept = 0
for i in range(600):
    kept += take(i)
    time.sleep(max(0, begin + i * 0.015 - time.monotonic()))
with open(said + ".part", "w") as f:
    f.write(str(kept))
os.rename(said + ".part", said)
time.sleep(120)

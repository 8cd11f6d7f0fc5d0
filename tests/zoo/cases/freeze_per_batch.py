# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""gc.freeze() after each batch puts the batch's cycles out of reach for good."""
# TRUTH class=leak hint=frozen-garbage
import gc

from case import run


def batch(n):
    ring = []
    for _ in range(50):
        ring.append([ring])  # LEAK
    gc.freeze()


run(batch, rate=10)

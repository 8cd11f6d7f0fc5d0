# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sample blocks of a recorder, never flushed."""
# TRUTH class=leak hint=unbounded-container
import array

from case import run

BLOCKS = []
ZERO = array.array("d", [0.0])


def record(n):
    BLOCKS.append(ZERO * 250)  # LEAK


run(record, rate=150)

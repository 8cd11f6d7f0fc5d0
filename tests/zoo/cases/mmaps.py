# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Anonymous mappings are made and never closed."""
# TRUTH class=leak hint=mapping-not-released objects=1
import mmap

from case import run

SEGMENTS = []


def segment(n):
    m = mmap.mmap(-1, 262144)  # LEAK
    m[0] = 1
    SEGMENTS.append(m)


run(segment, rate=8)

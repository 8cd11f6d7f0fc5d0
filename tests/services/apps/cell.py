# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The first cell of a notebook: it has a function that the other cells call; planted: the function keeps a dict each time."""
import os

import truth

KEPT = []


def price(n):
    if truth.PLANTED == "cell":
        KEPT.append({"n": n})  # LEAK cell
        truth.leaked()
    return truth.work(n)


# A kernel makes up a file's name for each cell; the test asks for this one's.
with open(os.environ["TRUTH"] + ".cell", "w", encoding="utf-8") as f:
    f.write(price.__code__.co_filename)

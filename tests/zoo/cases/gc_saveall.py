# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""gc.DEBUG_SAVEALL was left on: what is collected goes to gc.garbage instead."""
# TRUTH class=leak hint=gc-garbage
import gc

from case import run

gc.set_debug(gc.DEBUG_SAVEALL)


def link(n):
    a = [n, None]  # LEAK
    a[1] = a


run(link, rate=300)

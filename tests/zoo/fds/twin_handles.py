# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a bounded cache of open files."""
# TRUTH {"kind": null}
import glob
from collections import OrderedDict

from pace import run

CACHE = OrderedDict()
FILES = sorted(glob.glob("/etc/*.conf") + ["/etc/passwd", "/etc/group"])


def handle(n):
    CACHE[n] = open(FILES[n % len(FILES)])
    if len(CACHE) > 20:
        CACHE.popitem(last=False)[1].close()


run(handle)

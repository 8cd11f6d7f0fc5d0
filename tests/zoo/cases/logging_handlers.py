# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A handler is added to the same logger at every call."""
# TRUTH class=leak hint=unbounded-container library
import io
import logging

from case import run

LOG = logging.getLogger("shop")
LOG.propagate = False
STREAM = io.StringIO()


def configure(n):
    LOG.addHandler(logging.StreamHandler(STREAM))  # LEAK


run(configure, rate=100)

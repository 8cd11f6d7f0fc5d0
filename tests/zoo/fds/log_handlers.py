# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A handler per request is added to a logger and stays there."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "file "}
import logging
import os

from pace import run, scratch

PATH = os.path.join(scratch(), "app.log")
LOG = logging.getLogger("app")


def request(n):
    LOG.addHandler(logging.FileHandler(PATH))  # LEAK


run(request)

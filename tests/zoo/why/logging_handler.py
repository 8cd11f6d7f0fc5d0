# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Handlers added to a logger, never removed."""

# TYPE Leaked
# ROOT module logging :: 
# LAST .request
import logging

from held import N, Leaked, ready


class Handler(logging.NullHandler):
    def __init__(self, request):
        super().__init__()
        self.request = request


LOGGER_NAME = "app.requests"
for i in range(N):
    logging.getLogger(LOGGER_NAME).addHandler(Handler(Leaked()))

ready()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A handler of aiosmtpd that drops mail; planted: it keeps a record of each."""
import truth
from aiosmtpd import handlers


class Mail:
    __slots__ = ("sender", "size")


class Shop(handlers.Sink):
    seen = []

    async def handle_DATA(self, server, session, envelope):
        if truth.PLANTED == "record":
            self.seen.append(Mail())  # LEAK record
            truth.leaked()
        truth.work(len(envelope.content))
        return "250 OK"

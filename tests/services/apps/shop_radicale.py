# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Radicale's rules on who may read which calendar; planted: it keeps a record of each time that it was asked."""
import truth
from radicale.rights import owner_only


class Granted:
    __slots__ = ("user", "path")


class Rights(owner_only.Rights):
    log = []

    def authorization(self, user, path):
        if truth.PLANTED == "record":
            self.log.append(Granted())  # LEAK record
            truth.leaked()
        truth.work(len(path))
        return super().authorization(user, path)

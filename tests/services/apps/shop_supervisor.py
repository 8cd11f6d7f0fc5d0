# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""supervisor's own answers, made by a subclass; planted: it keeps a record of who has asked."""
import truth
from supervisor import rpcinterface


class Asked:
    __slots__ = ("at", "by")


class Shop(rpcinterface.SupervisorNamespaceRPCInterface):
    seen = []

    def getAllProcessInfo(self):
        if truth.PLANTED == "record":
            self.seen.append(Asked())  # LEAK record
            truth.leaked()
        truth.work(len(self.seen))
        return super().getAllProcessInfo()

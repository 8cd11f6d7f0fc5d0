# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An action of fail2ban; planted: it keeps a record of each ban."""
import truth
from fail2ban.server.action import ActionBase


class Ban:
    __slots__ = ("address", "until")


class Action(ActionBase):
    bans = []

    def ban(self, info):
        if truth.PLANTED == "record":
            self.bans.append(Ban())  # LEAK record
            truth.leaked()
        truth.work(len(self.bans))

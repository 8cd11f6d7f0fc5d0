# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""__del__ puts the object into a list."""

# TYPE Undead
# ROOT module __main__ :: GRAVEYARD (list
# LAST [i] → 

from held import N, Leaked, ready

GRAVEYARD = []


class Undead(Leaked):
    def __del__(self):
        GRAVEYARD.append(self)


for i in range(N):
    Undead()

ready()

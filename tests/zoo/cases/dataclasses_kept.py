# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Events are dataclass instances, kept by the bus that delivered them."""
# TRUTH class=leak hint=unbounded-container
import dataclasses

from case import run


@dataclasses.dataclass
class Event:
    name: str
    number: int
    payload: list


class Bus:
    def __init__(self):
        self.delivered = []

    def publish(self, n):
        self.delivered.append(Event("tick", n, []))  # LEAK


BUS = Bus()

run(BUS.publish, rate=350)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every measurement is appended to a history that is an attribute of the class."""
# TRUTH class=leak hint=unbounded-container objects=1
from case import run


class Sensor:
    history = []

    def measure(self):
        self.history.append([0.0] * 600)  # LEAK


SENSOR = Sensor()

run(lambda n: SENSOR.measure(), rate=60)

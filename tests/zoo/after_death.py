# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Options are copied and dropped; the record that is made next takes the dead copy's memory, and is kept."""
import time

from common import Meter, size_of

RECORDS = []
BYTES = size_of({"a": 1})


def copy_options():
    dict(a=1)  # born, and dead at once: its block is the next to be taken


def remember():
    record = {"a": 1}  # LEAK
    RECORDS.append(record)  # GROWS


def main():
    meter = Meter(rate=983, keep=1)
    while meter.running():
        for _ in range(meter.due()):
            copy_options()
            if meter.args.keep:
                remember()
            meter.leaked(BYTES)
        time.sleep(0.005)


main()

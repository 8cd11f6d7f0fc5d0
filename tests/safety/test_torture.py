# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The short form of torture.py: killed, stopped, frozen, the tool leaves nothing in the target."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lib_commands  # noqa: E402
import torture  # noqa: E402

pytestmark = pytest.mark.quiet
BUSY = 4  # processes that want to run, for each CPU


@pytest.fixture(scope="module", autouse=True)
def cycles():
    build = os.path.dirname(lib_commands.TOOL)
    subprocess.run(["make", "-s", "-C", lib_commands.TOP, "O=" + build, torture.CYCLES], check=True, timeout=300)


def test_nothing_is_left():
    # Where many others want to run, what is late is their doing; what stays for ever is not.
    is_busy = os.getloadavg()[0] > BUSY * os.cpu_count()
    counts = {"kills": 1, "stops": 1, "suspends": 1, "freezes": 1, "cycles": 3}
    for row in torture.torture(counts, seed=1, is_busy=is_busy):
        print(torture.line(row))

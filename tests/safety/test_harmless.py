# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Some cells of the table of harmless.py: those in which memory or time is most easily lost."""
import concurrent.futures
import os
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harmless  # noqa: E402
import lib_commands  # noqa: E402
import lib_target  # noqa: E402

pytestmark = pytest.mark.quiet

# Cells that take long run side by side, and the others, a few at a time, while those sleep: stalls of all are the machine's as
# well, so they are tried again alone.
LONG = [("watch", kind) for kind in ("several", "fuse", "limit")]
SHORT = [("why --type", "several"), ("why --type", "fuse"), ("why --type", "limit"), ("census", "sparse"),
         ("census --save", "fuse"), ("census --type", "several"), ("doctor -p", "fuse")]  # fmt: skip
BASELINE_S = 4
LANES = 2
ATTACH_S = 4  # of the long ones
BUSY = 4  # processes that want to run, for each CPU


def judge(row):
    """Memory always; time where there is some."""
    if harmless.only_time(row["wrong"]) and os.getloadavg()[0] > BUSY * os.cpu_count():
        pytest.skip("no stall can be judged at a load of %.0f: %s" % (os.getloadavg()[0], row["wrong"]))
    assert not row["wrong"], harmless.line(row)


@pytest.fixture(scope="module")
def forks():
    with lib_target.Forks() as running:
        yield running


@pytest.fixture(scope="module")
def base(forks):
    """The numbers in which kinds differ stay while they are left alone: one baseline does for all."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return harmless.worst_baseline(list(pool.map(lambda kind: harmless.baseline(kind, forks, BASELINE_S), ("shm", "limit"))))


@pytest.fixture(scope="module")
def rows(forks, base):
    found = {}
    with concurrent.futures.ThreadPoolExecutor(len(LONG)) as long, concurrent.futures.ThreadPoolExecutor(LANES) as short:
        for pool, cells in ((long, LONG), (short, SHORT)):
            found.update({c: pool.submit(harmless.cell, c[1], c[0], forks, base, 1) for c in cells})
            time.sleep(ATTACH_S)
    return found


@pytest.mark.parametrize("command,kind", LONG + SHORT)
def test_no_memory_and_no_time_is_lost(command, kind, rows, forks, base):
    row = rows[command, kind].result()
    print(harmless.line(row))
    if harmless.only_time(row["wrong"]):
        row = harmless.cell(kind, command, forks, base)
    judge(row)


def test_every_option_of_census_is_measured():
    """An option is in a row of the table, or it makes no difference to what is read."""
    told = subprocess.run([lib_commands.TOOL, "census", "--help"], capture_output=True, text=True).stdout
    options = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", told, re.M))
    measured = {w for c in lib_commands.COMMANDS.values() for w in c.words.split()}
    same = {"--pid", "--name", "--container", "--pod", "--from", "--core", "--sysroot", "--no-sandbox", "--no-color", "--help",
            "--top", "--quiet", "--verbose"}  # fmt: skip
    on_purpose = {"--swapped"}  # who asks for it wants what is swapped out to come back: test_reads.py
    assert options and options <= measured | same | on_purpose

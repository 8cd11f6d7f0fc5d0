# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The final report does not wait for what holds the objects, says so, and waits where that is wished."""
import json
import os
import subprocess
import tempfile

import harness
import pytest
import pythons

SHORT_S = 3.4  # the first search begins after three seconds, and takes more than half of one
NOT_LOOKED_UP = "was not looked up to its end"
FEW = 8  # beside a busy machine: some of them are younger than a second or gone when they are looked for, and of two nothing is asked


@pytest.fixture(scope="module", name="pid")
def pid_fixture():
    with harness.Target(pythons.host(), "dicts", harness.GENTLE) as target:
        target.wait_ready()
        yield target.pid


def is_answered(site):
    return not site or site["held_by"] or site["samples"] < FEW


def watched(pid, *options):
    """(the first site, or None; the text) of a report."""
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "report.json")
        run = subprocess.run([harness.TOOL, "-p", str(pid), "-d", str(SHORT_S), "-q", "--json", path, *options],
                             capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        with open(path) as f:
            return next(iter(json.load(f)["processes"][0]["sites"]), None), run.stdout


def test_the_end_does_not_wait(pid):
    site, text = watched(pid)
    # By then there may be no site yet, or on a quick machine an answer: never a site without either, and no word of that.
    assert is_answered(site) or NOT_LOOKED_UP in text, text


@pytest.mark.parametrize("option", [("--wait", "20"), ("--fail-on", "leak")], ids=["wait", "fail-on"])
def test_it_waits_when_told(pid, option):
    site, text = watched(pid, *option)
    assert NOT_LOOKED_UP not in text
    assert is_answered(site), site

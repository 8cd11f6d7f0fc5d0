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


@pytest.fixture(scope="module", name="pid")
def pid_fixture():
    with harness.Target(pythons.host(), "dicts") as target:
        target.wait_ready()
        yield target.pid


def watched(pid, *options):
    """(the first site, the text) of a report."""
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "report.json")
        run = subprocess.run([harness.TOOL, "-p", str(pid), "-d", str(SHORT_S), "-q", "--json", path, *options],
                             capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        with open(path) as f:
            return json.load(f)["processes"][0]["sites"][0], run.stdout


def test_the_end_does_not_wait(pid):
    site, text = watched(pid)
    assert site["verdict"] == "growing" and site["held_by"] is None
    assert NOT_LOOKED_UP in text


def test_it_waits_when_told(pid):
    site, text = watched(pid, "--wait", "20")
    assert site["held_by"]["path"], site
    assert NOT_LOOKED_UP not in text


def test_a_status_is_waited_for(pid):
    site, text = watched(pid, "--fail-on", "leak")
    assert site["held_by"]["path"], site
    assert NOT_LOOKED_UP not in text

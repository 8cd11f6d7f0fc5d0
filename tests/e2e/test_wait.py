# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The final report does not wait for what holds the objects, says so, and waits where that is wished."""
import json
import subprocess

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
    run = subprocess.run([harness.TOOL, "-p", str(pid), "-d", str(SHORT_S), "-q", "--json", "-", *options], capture_output=True,
                         text=True, timeout=120, check=True)  # fmt: skip
    return json.loads(run.stdout)["processes"][0]


def test_the_end_does_not_wait(pid):
    process = watched(pid)
    assert process["sites"][0]["held_by"] is None
    assert process["sites"][0]["verdict"] == "growing"
    assert any(NOT_LOOKED_UP in note for note in process["notes"]), process["notes"]


def test_it_waits_when_told(pid):
    process = watched(pid, "--wait", "20")
    assert process["sites"][0]["held_by"]["path"], process["sites"][0]
    assert not any(NOT_LOOKED_UP in note for note in process["notes"]), process["notes"]


def test_a_status_is_waited_for(pid):
    process = watched(pid, "--fail-on", "leak")
    assert process["sites"][0]["held_by"]["path"], process["sites"][0]

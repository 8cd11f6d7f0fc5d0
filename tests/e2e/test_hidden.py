# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""With every tenth birth site hidden from it the tool refuses or falls back; it never guesses."""
import pytest

import harness
import pythons
import zoo


@pytest.mark.parametrize("name", ["dicts", "slots", "floats", "str_split"])
def test_every_tenth_site_hidden(name):
    program = zoo.PROGRAMS[name]
    with harness.Target(pythons.host(), name) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 12, env={"PYLEAK_TEST_HIDE_SITES": "10"})
        assert target.alive()
        if run.rc:
            assert run.rc == 1
            assert len(run.stderr.strip().split("\n")) == 1, run.stderr
            return
        process = run.report["processes"][0]
        fine = program.guilty | program.grows
        for site in process["sites"]:
            if site["verdict"] in ("leak", "growing"):
                file, line = harness.blamed(site, program, target.path)
                assert (file, line in fine) == (target.path, True), (file, line, run.stdout[-2000:])
        # Falling back is allowed, silently falling back is not.
        assert "births are not watched" in run.stdout, run.stdout[-2000:]
        assert "birth site" in run.stdout, run.stdout[-2000:]
        assert not [s for s in process["sites"] if s["kind"] == "object"], run.stdout[-2000:]

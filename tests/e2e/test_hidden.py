# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""With every tenth birth site hidden from it the tool watches no births, and says so; it never guesses."""
import pytest

import harness
import pythons
import zoo


MORE = [pytest.param(n, marks=pytest.mark.matrix) for n in ("slots", "floats")]


@pytest.mark.parametrize("name", ["dicts", "str_split", *MORE])
def test_every_tenth_site_hidden(name):
    program = zoo.PROGRAMS[name]
    with harness.Target(pythons.host(), name, harness.GENTLE) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 12, env={"PYLEAK_TEST_HIDE_SITES": "10"})
        assert target.alive()
    assert run.rc == 0, run.stderr
    sites = run.report["processes"][0]["sites"]
    for site in sites:
        if site["verdict"] in ("leak", "growing"):
            file, line = harness.blamed(site, program, target.path)
            assert file == target.path and line in program.guilty | program.grows, (file, line, run.stdout[-2000:])
    assert "births are not watched" in run.stdout, run.stdout[-2000:]
    assert "belong to no known birth site" in run.stdout, run.stdout[-2000:]
    assert not [s for s in sites if s["kind"] == "object"], run.stdout[-2000:]

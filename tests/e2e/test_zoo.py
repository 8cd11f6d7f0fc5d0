# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ways to leak and ways to look like it, judged. In the core set a few of them on Debian 12's Python;
in the full matrix all of them on every Python for a minute each."""
import pytest

import harness
import pythons
import zoo_cases

CORE = ("twin_spike",)  # of all others there are recordings (tests/judge)
SECONDS, CORE_SECONDS = 60, 35  # the spike is over after twelve


def places():
    for python in [p for p in [pythons.host(), *pythons.others()] if p not in pythons.builds()]:
        for case in zoo_cases.all_cases():
            core = python == pythons.host() and case.name in CORE
            yield pytest.param(python, case, marks=() if core else pytest.mark.matrix)


@pytest.mark.parametrize("python,case", places(), ids=lambda x: x.name)
def test_case(python, case, record_property, full):
    pythons.install_zoo(python)
    outcome = zoo_cases.run_case(python, case, *((SECONDS,) if full else (CORE_SECONDS, harness.GENTLE)))
    record_property("case", harness.row(outcome))
    assert not outcome.problems, "; ".join(outcome.problems)


def test_every_case_tells_its_truth():
    cases = zoo_cases.all_cases()
    for case in cases:
        assert case.source[0].startswith("# SPDX") and case.source[1].startswith('"""')
        assert set(case.classes) <= set(zoo_cases.CLASSES), case.name
        assert bool(case.guilty) == case.leaks, case.name
    assert sum(c.leaks for c in cases) >= 30 and sum(not c.leaks for c in cases) >= 16

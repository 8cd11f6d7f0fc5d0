# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ways to leak and ways to look like it, judged. In the core set a few of them on Debian 12's Python;
in the full matrix all of them on every Python for a minute each."""
import concurrent.futures
import os

import pytest

import harness
import pythons
import zoo_cases

CORE = ("cache_unbounded", "exception_history", "cycles_gc_off", "default_dict", "metric_labels",
        "growing_buffers", "mmaps", "twin_limit_linear", "twin_memo_of_words", "twin_sessions_expire",
        "twin_spike")  # fmt: skip
CORE_SECONDS = 50
FULL_SECONDS = 60
OUTCOMES = []


def pytest_generate_tests(metafunc):
    if "place" not in metafunc.fixturenames:
        return
    full = metafunc.config.getoption("--matrix") == "full"
    cases = [c for c in zoo_cases.all_cases() if full or c.name in CORE]
    where = [pythons.host()] + (pythons.others() if full else [])
    places = [(p, c) for p in where for c in cases]
    metafunc.parametrize("place", places, ids=["%s-%s" % (p.name, c.name) for p, c in places])


@pytest.fixture(scope="module")
def outcomes(request):
    """Every selected case at once, three side by side; the tests wait for theirs."""
    full = request.config.getoption("--matrix") == "full"
    wanted = {}
    for item in request.session.items:
        call = getattr(item, "callspec", None)
        if call and "place" in call.params:
            wanted[item.nodeid] = call.params["place"]
    for python in {p for p, _ in wanted.values()}:
        pythons.install_zoo(python)
    jobs = int(os.environ.get("PYLEAK_TEST_JOBS", "3"))
    seconds = FULL_SECONDS if full else CORE_SECONDS
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield {k: pool.submit(zoo_cases.run_case, *place, seconds) for k, place in wanted.items()}
        pool.shutdown(wait=True, cancel_futures=True)
    text = zoo_cases.table(OUTCOMES)
    print("\n" + text)
    with open(os.path.join(harness.BUILD, "zoo.txt"), "w") as f:
        f.write(text + "\n")


def test_case(place, outcomes, request):
    outcome = outcomes[request.node.nodeid].result()
    OUTCOMES.append(outcome)
    assert not outcome.problems, "; ".join(outcome.problems)


def test_every_case_tells_its_truth():
    cases = zoo_cases.all_cases()
    for case in cases:
        assert case.source[0].startswith("# SPDX") and case.source[1].startswith('"""')
        assert set(case.classes) <= set(zoo_cases.CLASSES), case.name
        assert bool(case.guilty) == case.leaks, case.name
    assert sum(c.leaks for c in cases) >= 30 and sum(not c.leaks for c in cases) >= 16

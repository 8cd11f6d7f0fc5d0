# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Under a load that is held constant a leak of any pace does not slow down, and a cache that fills is no leak."""
import harness
import pytest
import servers
from test_services import SECONDS, lines, row

pytestmark = pytest.mark.matrix
KINDS = (servers.GunicornSync, servers.GunicornThreads, servers.Uvicorn, servers.Aiohttp, servers.Tornado, servers.Twisted)
RATES = (1, 2, 5, 10, 20, 50, 200)  # objects a second
ENTRIES = 6000  # 63 % of them are there after 30 s
SLOWS = "slows down"


def watched(kind, planted):
    """The report of a watch under a constant load, and what the service says of itself."""
    with kind(planted) as service:
        if service.missing:
            pytest.skip("not installed: " + ", ".join(service.missing))
        pid = service.pid()
        run = harness.run_tool(pid, SECONDS)
        assert run.rc == 0, run.stderr
        return run.report, row(run.report, service, pid)


def said_of(report, file):
    """(verdict, reason) of each site whose first line is in @file."""
    return [(s["verdict"], s["reason"]) for s in report["processes"][0]["sites"] if lines(s) and lines(s)[0][0] == file]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_a_constant_leak_does_not_slow_down(kind, rate, record_property):
    report, said = watched(kind, "pace-%d" % rate)
    record_property("pace", said)
    print(said)
    assert SLOWS not in said["reason"]
    assert [x for x in said_of(report, "truth.py") if SLOWS in (x[1] or "")] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_a_cache_that_fills_is_no_leak(kind, record_property):
    report, said = watched(kind, "cache-%d" % ENTRIES)
    record_property("pace", said)
    print(said)
    assert said["verdict"] != "leak"
    assert [x for x in said_of(report, "truth.py") if x[0] == "leak"] == []

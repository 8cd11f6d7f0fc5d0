# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real servers from Debian's packages, innocent and with a planted leak. In the core set three of them."""
import os

import daemons
import harness
import jobs
import pytest
import pythons
import servers
from until import Until, samples_of, sites_of

SECONDS = 60
# The innocent one is watched for twice the 15 s after which a leak is called one. Recordings of 60 s, at 40 requests a second,
# are judged (tests/judge).
CORE_SECONDS, CORE_RATE = 30, 20
DEAR_SECONDS = 120  # half as many windows a second, of which a leak's line needs samples
# The right answer in so many reports, one each two seconds, ends a watch in the core set, once it is of so many samples that
# its rate is, too.
IN_A_ROW, SAMPLES = 4, 15
CORE = {("gunicorn-gthread", ""), ("mod_wsgi", "record"), ("tornado", "listener")}
# One or two of each kind: servers, one that is asynchronous, a queue, a daemon, a job.
ON_BUILDS = ("django", "gunicorn-gthread", "tornado", "celery", "aiosmtpd", "sqlalchemy")
INNOCENT = ("steady", "growing", "warmup", "bloat", "retention")


def places():
    for python in pythons.with_servers() + pythons.builds_with_servers():
        for kind in servers.ALL + daemons.ALL + jobs.ALL:
            if python.borrows and kind.name not in ON_BUILDS:
                continue
            for planted in ("",) + kind.planted:
                name = (kind.name, planted or "innocent", python.name)
                in_core = (kind.name, planted) in CORE and python == pythons.host()
                yield pytest.param(kind, planted, python, id="%s-%s-%s" % name, marks=() if in_core else pytest.mark.matrix)


def lines(site):
    return [(os.path.basename(f["file"] or "?"), f["line"]) for f in site["stack"] if f["lang"] == "python"]


def of_line(sites):
    """The first, and those of its line that were called for by other ways: Radicale asks twice for each request."""
    return [s for s in sites if s["kind"] == sites[0]["kind"] and lines(s)[:1] == lines(sites[0])[:1]]


def row(report, service, pid):
    """A row of the table: what was said of a planted leak."""
    process = report["processes"][0]
    site = (process["sites"] or [{"stack": [], "hint": None, "held_by": None}])[0]
    rates = [s["growth_count_per_s"] for s in of_line(process["sites"])]
    count, _ = harness.true_rates(service.truth(pid), harness.wall(report["started_at"]), harness.wall(report["ended_at"]))
    return {
        "service": service.name, "planted": service.which, "verdict": process["verdict"]["class"],
        "confidence": process["verdict"]["confidence"], "reason": process["verdict"]["reason"],
        "first": lines(site)[:3], "rate": sum(rates) if rates else None, "true_rate": round(count, 1),
        "hint": (site["hint"] or {}).get("code"), "held_by": (site["held_by"] or {}).get("path"),
    }  # fmt: skip


def until_told(service):
    """The planted leak's line is in the first site, which is called a leak and whose holder is known."""
    at = "%s:%d " % service.leak()
    of_samples = SAMPLES if service.which == "record" else 1

    def holds(text):
        first = (sites_of(text) or [""])[0]
        return first.startswith("LEAK ") and at in first and "held by " in first and samples_of(first) >= of_samples

    return Until(holds, IN_A_ROW)


@pytest.mark.parametrize("kind,planted,python", places())
def test_service(kind, planted, python, record_property, full):
    service = kind(planted, python) if full or not planted else kind(planted, python, 5)
    if not planted and not full:
        service.rate = CORE_RATE
    if service.missing:
        service.close()
        pytest.skip("not installed: " + ", ".join(service.missing))
    with service:
        pid = service.pid()
        seconds = DEAR_SECONDS if planted and harness.is_dear_host() else SECONDS if planted or full else CORE_SECONDS
        until, more = (until_told(service), harness.AS_OF_A_BUSY_ONE) if planted and not full else (None, ())
        run = harness.run_tool(pid, seconds, ["-v", *more], until=until)
        assert run.rc == 0, run.stderr
        assert service.pid() == pid, "the target died"
        assert service.load.failed <= 2, "%d of %d requests failed" % (service.load.failed, service.load.done)
        process = run.report["processes"][0]
        # The script that starts a program calls for all it does: the line named is not the script's.
        assert not [f for f in service.needs if " at %s:" % os.path.basename(f) in process["verdict"]["reason"]]
        name = "service-%s-%s-%s" % (service.name, planted or "innocent", python.name)
        if not planted:
            assert process["verdict"]["class"] in INNOCENT, process["verdict"]["reason"]
            assert [lines(s)[:1] for s in process["sites"] if s["verdict"] == "leak"] == []
            harness.keep_recording(run.recording, name, INNOCENT, [])
            return
        said = row(run.report, service, pid)
        record_property("service", said)
        print(said)
        assert said["verdict"] == "leak", said
        assert (said["hint"] == "unreferenced") == (planted in service.lost), said
        if planted in service.nowhere:
            assert service.nowhere[planted] in said["held_by"] and said["first"] == [("?", None)], said
            assert process["sites"][0]["stack"][-1]["function"].startswith("(no Python frame: C code of "), said
            harness.keep_recording(run.recording, name, ["leak"], ["?:None"])
            return
        where = service.leak()
        mine = [at for at in lines(process["sites"][0]) if at[0] == where[0]]
        assert mine[:1] == [where], (where, said)
        if planted == "record":  # an object a request
            assert said["rate"] == pytest.approx(said["true_rate"], rel=0.25), said
        # The leak of this line includes objects that a library makes for it.
        called = {harness.innermost(s) for s in process["sites"] if s["verdict"] == "leak" and where[0] in dict(lines(s))}
        harness.keep_recording(run.recording, name, ["leak"], called | {"%s:%d" % where})

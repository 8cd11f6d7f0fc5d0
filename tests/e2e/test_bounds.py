# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How much may go into a container: what `why` reads of it, and what that does to the verdict."""
import contextlib
import json
import os
import re
import subprocess
import tempfile

import harness
import pytest
import pythons
import zoo_cases

PROGRAM = "bounds"
STORES = [pythons.host()] + pythons.debian_roots()


def expected():
    """Name of a store -> most entries, None where there is no bound."""
    with open(os.path.join(pythons.ZOO, PROGRAM + ".py")) as f:
        found = re.findall(r"  # BOUND (\w+) (\w+)$", f.read(), re.M)
    return {name: None if most == "none" else int(most) for name, most in found}


@contextlib.contextmanager
def running(python):
    here, there = python.temp()
    stem = "pyleak-bounds-%d-%s" % (os.getpid(), next(tempfile._get_candidate_names()))
    ready = os.path.join(here, stem)
    process = subprocess.Popen(python.command(PROGRAM, [there + "/" + stem]), stdin=subprocess.DEVNULL)
    try:
        harness.wait_file(ready, process)
        yield process.pid
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ready)


def bounds_of(pid):
    """Name of a store -> the tightest bound on the way to its objects, and the path. One reading finds them: all are of a class."""
    run = subprocess.run([harness.TOOL, "why", "-p", str(pid), "--type", "__main__.Held", "--top", "20", "--watch", "0",
                          "--json", "-"], capture_output=True, text=True, timeout=120)  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = {}
    for path in json.loads(run.stdout)["paths"]:  # the greatest share first
        bound = min((s["bound"] for s in path["steps"] if s["bound"] is not None), default=None)
        found.setdefault("".join(re.findall(r":: (\w+)", path["path"])[:1]), (bound, path["path"]))
    return found


def wrong_bounds(python):
    pythons.install_zoo(python)
    with running(python) as pid:
        found = bounds_of(pid)
    assert set(found) == set(expected()), found
    return {name: (most, *found[name]) for name, most in expected().items()
            if found[name][0] != most or (most and "of at most {:,}".format(most) not in found[name][1])}  # fmt: skip


def test_bounds_that_are_read():
    assert len(expected()) == 13
    assert wrong_bounds(pythons.host()) == {}


@pytest.mark.parametrize("python", pythons.params(pythons.debian_roots())[1:])
def test_other_pythons(python):
    assert wrong_bounds(python) == {}


# Case -> what its sentence must say. Watched for longer than a leak of this kind needs to be called one.
FILLING = {
    "twin_deque_filling": r"fills a bounded deque \(maxlen 2,000,000, now [0-9,]+\)",
    "twin_lru_filling": r"fills a bounded lru_cache \(maxsize 2,000,000, now [0-9,]+\)",
    "twin_limited_store": r"fills a bounded dict \(max_entries 500,000, now [0-9,]+\)",
}


def test_a_bound_of_one_store_is_none_of_the_other():
    """Half of the line's objects are in a store that has none: the path that is told may be either's."""
    with harness.Target(pythons.host(), "two_stores", harness.GENTLE) as target:
        target.wait_ready()
        process = harness.run_tool(target.pid, 20).report["processes"][0]
    site = next(s for s in process["sites"] if any(f["function"] == "Store.put" for f in s["stack"]))
    print(site["verdict"], site["reason"], site["held_by"], site["hint"])
    assert "bounded dict" not in (site["reason"] or "")
    assert "STORES" in site["held_by"]["path"]


# Recordings of them are judged in the core set; what each bound reads as, of any kind, is above.
@pytest.mark.matrix
@pytest.mark.parametrize("name", FILLING)
def test_a_cache_that_fills_is_no_leak(name):
    o = zoo_cases.run_case(pythons.host(), zoo_cases.Case(name), 40)
    assert not o.problems
    assert re.search(FILLING[name], o.reason), o.reason
    assert o.hint is None, o.hint


@pytest.mark.matrix
def test_a_bound_that_was_passed_is_none():
    o = zoo_cases.run_case(pythons.host(), zoo_cases.Case("limit_forgotten"), 40)
    assert not o.problems
    assert o.hint == "unbounded-container"


@pytest.mark.parametrize("blob", [0, pytest.param(3000, marks=pytest.mark.matrix)], ids=["objects", "blobs"])
@pytest.mark.parametrize("python", [p for p in pythons.params([pythons.host()]) if p.values[0] in STORES])
def test_a_full_store_beside_a_leak(python, blob):
    """Its entries are replaced by ones that were seen to be born: that is no growth, and the leak beside
    it, of the same size, has its whole rate."""
    pythons.install_zoo(python)
    with harness.Target(python, "full_store", ["--blob", blob, *harness.GENTLE]) as target:
        target.wait_ready()
        report = harness.run_tool(target.pid, 60, harness.AS_OF_A_BUSY_ONE).report
        count, _ = harness.true_rates(target.truth(), harness.wall(report["started_at"]),
                                      harness.wall(report["ended_at"]))  # fmt: skip
    sites = report["processes"][0]["sites"]
    through = {name: [s for s in sites if any(f["function"] == name for f in s["stack"])]
               for name in ("note", "open_session")}  # fmt: skip
    for name, found in through.items():
        print(name, [(s["verdict"], s["growth_count_per_s"], s["reason"], s["hint"]) for s in found])
    leak = through["note"][0]
    assert leak is sites[0]
    assert leak["verdict"] == "leak"
    assert leak["growth_count_per_s"] == pytest.approx(count, rel=0.2)
    assert leak["hint"]["code"] == "unbounded-container"
    assert [s for s in through["open_session"] if s["verdict"] == "leak" or s["hint"]] == []


@pytest.mark.matrix
def test_a_full_store_is_not_all_that_holds_them():
    """One session of four is also kept elsewhere. No other line can be what grows, so this one is told;
    and the store, which does not grow, is not what is to be mended."""
    with harness.Target(pythons.host(), "full_store", ["--share", 4]) as target:
        target.wait_ready()
        process = harness.run_tool(target.pid, 40).report["processes"][0]
    site = process["sites"][0]
    print(process["verdict"], site["growth_count_per_s"], site["held_by"], site["hint"])
    assert any(f["function"] == "open_session" for f in site["stack"])
    assert 293 / 8 < site["growth_count_per_s"] < 293 / 1.5
    assert process["verdict"]["class"] in ("leak", "growing")
    assert not site["hint"] or "SESSIONS" not in site["hint"]["text"]

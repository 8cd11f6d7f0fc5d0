# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The judge says of recorded runs of real programs exactly what it said before. A change that is meant to change it
comes with the new facts (corpus.py --update), where everybody sees them."""
import pytest

import corpus


@pytest.mark.parametrize("name", corpus.names())
def test_the_same_is_said(name):
    said = corpus.facts(corpus.replay(corpus.default_tool(), corpus.path_of(name, "rec")))
    assert said == corpus.load(name)["said"]


@pytest.mark.parametrize("name", corpus.names())
def test_no_innocent_one_is_called_a_leak(name):
    known = corpus.load(name)
    assert known["said"]["verdict"] in known["truth"]["classes"] or known["said"]["verdict"] != "leak"
    called = [s["at"] for s in known["said"]["sites"] if s["verdict"] == "leak"]
    assert set(called) <= set(known["truth"]["lines"])
    if known["truth"]["classes"] == ["leak"]:
        assert known["said"]["sites"][0]["at"] in called


def test_a_whole_way_is_shown_before_a_caller_alone():
    """No copied stack lived of the caller that took most, several did of another caller of the same line."""
    report = corpus.replay(corpus.default_tool(), corpus.path_of("packages-one_caller_alone", "rec"))
    site = next(s for s in report["processes"][0]["sites"] if corpus.own_frame(s) == "ssl.py:500" and s["kind"] == "heap")
    named = [f["function"] for f in site["stack"] if f["lang"] == "native"]
    assert named[:3] == ["CRYPTO_zalloc", "SSL_CTX_new_ex", "_SSLContext.__new__"]


def test_blocks_that_are_not_touched_bring_no_end_nearer():
    """Files that stay open ask for 516 KiB a second of buffers, of which 23 become resident: 24 GiB are met in days."""
    report = corpus.replay(corpus.default_tool(), corpus.path_of("fds-files-debian-3.14", "rec"))
    memory = report["processes"][0]["memory"]
    assert memory["limit_left_bytes"] / memory["oom_eta_s"] < 2 * memory["rss_growth_bytes_per_s"]


def test_a_path_that_holds_few_has_no_remedy():
    report = corpus.replay(corpus.default_tool(), corpus.path_of("fds-executors-debian-3.11", "rec"))
    few = [s for s in report["processes"][0]["sites"] if s.get("held_by") and s["held_by"]["share"] < 0.1]
    assert few and all(not s["hint"] for s in few)


def test_a_path_that_holds_next_to_none_is_not_told():
    """A frame of its own holds what each thread has."""
    report = corpus.replay(corpus.default_tool(), corpus.path_of("fds-threads-debian-3.11", "rec"))
    told = [s for s in report["processes"][0]["sites"] if s.get("held_by")]
    assert told and all(s["held_by"]["share"] >= 0.05 for s in told)


def test_places_that_are_not_listed_are_in_the_sum():
    report = corpus.replay(corpus.default_tool(), corpus.path_of("service-matplotlib-figure-at-60", "rec"))
    process = report["processes"][0]
    assert len(process["sites"]) == 200 and any("more places, which grow by" in n for n in process["notes"])


def test_a_kept_exception_is_one_finding():
    """Flask, an exception kept of each fourth request: few windows met the line that raises, many what libraries make."""
    report = corpus.replay(corpus.default_tool(), corpus.path_of("service-flask-exception", "rec"))
    process = report["processes"][0]
    leaks = [f for f in process["findings"] if f["verdict"] == "leak" and "ErrorLog" in (f["held_by"] or {}).get("path", "")]
    assert [f["frame"]["line"] for f in leaks] == [25] and len(leaks[0]["sites"]) == 28
    assert leaks[0]["hint"]["code"] == "exception-traceback"
    assert "gets 10 entries/s, and keeps 8.4 KiB or more with each" in process["verdict"]["reason"]
    counted = [s for s in process["sites"] if "what holds them counts" in s["reason"]]
    assert counted and all(s["growth_count_per_s"] < 13 for s in counted)


def test_there_are_some():
    assert len(corpus.names()) >= 8

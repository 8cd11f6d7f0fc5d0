# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A report as a profile: the same totals and stacks, and all that pprof, Pyroscope and Parca rest on."""
import copy
import json
import os
import pty
import subprocess

import pytest

import lib_pprof
from lib_pprof import ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf"))
FORMATS = os.path.join(ROOT, "tests", "golden", "formats")
SAMPLE = os.path.join(ROOT, "tests", "golden", "report.json")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def profile(tmp_path, report):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    run = subprocess.run([TOOL, "--from", path, "--pprof", "-"], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    return lib_pprof.Profile(run.stdout)


def total(report, what):
    return sum(round(s[what] or 0) for p in report["processes"] for s in p["sites"])


@pytest.mark.parametrize("name", ["native", "descriptors", "workers", "fleet", "hostile"])
def test_totals_are_the_report_s(tmp_path, name):
    report = load(os.path.join(FORMATS, name + ".json"))
    p = profile(tmp_path, report)
    assert p.total(INUSE_SPACE) == p.total(ALLOC_SPACE) == total(report, "outstanding_bytes") > 0
    assert p.total(INUSE_OBJECTS) == p.total(ALLOC_OBJECTS) == total(report, "outstanding_count") > 0


def test_a_sample_has_the_stack_and_says_whose_it_is(tmp_path):
    report = load(SAMPLE)
    process = report["processes"][0]
    site = next(s for s in process["sites"] if s["verdict"] == "leak")
    p = profile(tmp_path, report)
    sample = next(s for s in p.samples if s[1][INUSE_SPACE] == site["outstanding_bytes"])
    assert p.stack(sample) == [(f["function"], f["file"], f["line"]) for f in site["stack"]]
    assert sample[2] == {"kind": "object", "type": "dict", "verdict": "leak", "pid": process["pid"], "comm": "gunicorn",
                         "container": "web", "pod": "web-7d9f", "namespace": "shop"}  # fmt: skip
    assert (p.period_type, p.period) == (("space", "bytes"), 1)
    assert p.time == 1700000065500000000 and p.duration == 65250000000
    assert p.comments[0] == "pyleak-bpf 0.0.0 on web-1"


def test_what_was_allocated_has_no_label_that_changes(tmp_path):
    """A scraper that subtracts one profile from the next would take a new verdict for growth."""
    for _, values, labels in profile(tmp_path, load(SAMPLE)).samples:
        assert (values[ALLOC_SPACE] == 0) == ("verdict" in labels)
        assert values[ALLOC_SPACE] == 0 or "type" not in labels


def address(p, location):
    return p.locations[location - 1][3][0]


def test_a_frame_has_one_address_in_all_profiles(tmp_path):
    """Stacks are told by their addresses alone where deltas are computed."""
    reports = [load(os.path.join(FORMATS, n + ".json")) for n in ("native", "workers", "fleet")]
    turned = copy.deepcopy(reports[0])
    turned["processes"][0]["sites"].reverse()
    seen = {}
    for report in (*reports, turned):
        p = profile(tmp_path, report)
        assert len({address(p, i + 1) for i in range(len(p.locations))}) == len(p.locations)
        for sample in p.samples:
            at = [address(p, i) for i in sample[0]]
            assert seen.setdefault(tuple(p.stack(sample)), at) == at
    assert len({a for at in seen.values() for a in at}) > 30 and len({tuple(at) for at in seen.values()}) == len(seen)


def with_stack(report, stack):
    report = copy.deepcopy(report)
    report["processes"] = report["processes"][:1]
    report["processes"][0]["sites"] = report["processes"][0]["sites"][:1]
    report["processes"][0]["sites"][0]["stack"] = stack
    return report


def c_frame(function, offset, line=None, build_id="ab" * 20, module="/lib/libx.so.1"):
    return {"lang": "native", "function": function, "module": module, "build_id": build_id, "offset": hex(offset),
            "file": line and "x.c", "line": line}  # fmt: skip


def test_inlined_functions_are_one_location(tmp_path):
    stack = [c_frame("inner", 64, 7), c_frame("middle", 64, 9), c_frame("outer", 64, 30), c_frame("caller", 128, 2)]
    p = profile(tmp_path, with_stack(load(SAMPLE), stack))
    assert [p.lines(i) for i in p.samples[0][0]] == [[("inner", "x.c", 7), ("middle", "x.c", 9), ("outer", "x.c", 30)],
                                                    [("caller", "x.c", 2)]]  # fmt: skip


def test_a_function_that_calls_itself_is_there_as_often(tmp_path):
    stack = [c_frame("walk", 64, 7)] * 3 + [c_frame("visit", 80, 1), c_frame("walk_all", 80, 5)] * 2
    p = profile(tmp_path, with_stack(load(SAMPLE), stack))
    assert [len(p.lines(i)) for i in p.samples[0][0]] == [1, 1, 1, 2, 2]


def test_a_server_may_look_for_names_where_there_is_a_build_id(tmp_path):
    stack = [c_frame(None, 64), c_frame("known", 80, 3, "cd" * 20, "/lib/liby.so"), c_frame(None, 96, build_id=None, module="/lib/libz.so")]
    p = profile(tmp_path, with_stack(load(SAMPLE), stack))
    by_file = {p.file(m): m for m in p.mappings}
    assert p.file(p.mappings[0]) == "[python]"
    assert p.strings[by_file["/lib/libx.so.1"][6][0]] == "ab" * 20 and 7 not in by_file["/lib/libx.so.1"]
    assert p.strings[by_file["/lib/liby.so"][6][0]] == "cd" * 20 and 7 in by_file["/lib/liby.so"]
    assert 4 not in p.locations[p.samples[0][0][0] - 1]
    assert p.lines(p.samples[0][0][2]) == [("libz.so+0x60", "", 0)]


@pytest.mark.parametrize("module, offset", [("", 2**47 + 5), ("", 2**64 - 1), ("/lib/libx.so", 2**40 + 64), ("/lib/libx.so", 2**64 - 1)])
def test_any_address_is_in_its_mapping(tmp_path, module, offset):
    p = profile(tmp_path, with_stack(load(SAMPLE), [c_frame("f", offset, module=module)]))
    assert p.stack(p.samples[0])[0][0] == "f"


def test_no_stack_is_a_frame_too(tmp_path):
    p = profile(tmp_path, with_stack(load(SAMPLE), []))
    assert p.stack(p.samples[0]) == [("(no stack)", "", 0)]


@pytest.mark.parametrize("frame", [{"lang": "python"}, {"lang": "python", "function": None, "file": None, "line": -3}, {"lang": "native"}])
def test_a_frame_of_which_nothing_is_known(tmp_path, frame):
    p = profile(tmp_path, with_stack(load(SAMPLE), [frame]))
    assert [line[0] for line in p.stack(p.samples[0])] == ["?" if frame["lang"] == "python" else "+0x0"]


def test_nothing_stays(tmp_path):
    report = load(SAMPLE)
    for process in report["processes"]:
        process["sites"] = []
    p = profile(tmp_path, report)
    assert p.samples == [] and p.types


@pytest.mark.parametrize("value", [-5, 1e300, 1e19, 0.2, None])
def test_numbers_that_are_none(tmp_path, value):
    report = with_stack(load(SAMPLE), [])
    report["processes"][0]["sites"][0].update(outstanding_bytes=value, outstanding_count=3)
    p = profile(tmp_path, report)
    assert p.total(INUSE_OBJECTS) == 3 and p.total(INUSE_SPACE) == (2**62 if value and value > 1 else 0)


def test_long_names_are_cut(tmp_path):
    """Pyroscope refuses a profile for a label of more than 2,048 bytes."""
    report = with_stack(load(SAMPLE), [{"lang": "python", "function": "f" * 2**20, "file": "/" + "d" * 2**20, "line": 3}])
    report["processes"][0].update(comm="c" * 2**20, container={"id": "i" * 2**20, "name": None, "runtime": None, "pod": "p" * 2**20, "namespace": ""})
    report["processes"][0]["sites"][0]["types"] = [{"name": "t" * 2**20, "share": 1}]
    p = profile(tmp_path, report)
    assert max(len(s) for s in p.strings) <= 1010
    assert {k: len(v) for k, v in p.samples[1][2].items() if isinstance(v, str) and len(v) > 20} == dict.fromkeys(("type", "comm", "container", "pod"), 204)


def test_a_terminal_gets_no_bytes(tmp_path):
    main, other = pty.openpty()
    run = subprocess.run([TOOL, "--from", SAMPLE, "--pprof", "-"], stdin=subprocess.DEVNULL, stdout=other, stderr=subprocess.PIPE,
                         text=True, timeout=60, check=False)  # fmt: skip
    os.close(other)
    os.close(main)
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and "terminal" in run.stderr

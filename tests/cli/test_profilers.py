# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The programs that profiles are made for read them: go tool pprof, and the importer of speedscope."""
import json
import os
import re
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf"))
FORMATS = os.path.join(ROOT, "tests", "golden", "formats")
REPORTS = ["native", "descriptors", "workers", "fleet", "hostile"]
SPEEDSCOPE = "speedscope@1.25.0"

pytestmark = pytest.mark.matrix
needs_go = pytest.mark.skipif(not shutil.which("go"), reason="go is not installed (golang-go)")


def load(report):
    with open(os.path.join(FORMATS, report + ".json"), encoding="utf-8") as f:
        return json.load(f)


def written(tmp_path, report, *names):
    paths = []
    for name in names:
        paths.append(tmp_path / (report + name))
        subprocess.run([TOOL, "--from", os.path.join(FORMATS, report + ".json"), "--output", paths[-1]], stdout=subprocess.DEVNULL,
                       timeout=60, check=True)  # fmt: skip
    return paths


def total(report, what):
    return sum(round(s[what] or 0) for p in report["processes"] for s in p["sites"])


def pprof(*args):
    run = subprocess.run(["go", "tool", "pprof", "-symbolize=none", *map(str, args)], capture_output=True, text=True, timeout=120,
                         env=dict(os.environ, PPROF_TMPDIR="/tmp", HOME="/tmp"), check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def sums(raw):
    """The columns of -raw, added up."""
    rows = re.findall(r"^ +(-?\d+) +(-?\d+) +(-?\d+) +(-?\d+): ", raw, re.M)
    return [sum(int(row[i]) for row in rows) for i in range(4)]


@needs_go
@pytest.mark.parametrize("name", REPORTS)
def test_go_reads_it_with_the_report_s_totals(tmp_path, name):
    report = load(name)
    (path,) = written(tmp_path, name, ".pb.gz")
    count, space = total(report, "outstanding_count"), total(report, "outstanding_bytes")
    raw = pprof("-raw", path)
    assert sums(raw) == [count, space, count, space]
    assert "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes[dflt]" in raw
    assert "PeriodType: space bytes\nPeriod: 1\n" in raw
    top = pprof("-top", "-unit=B", "-nodecount=100000", "-nodefraction=0", path)
    assert "Type: inuse_space" in top and " of %dB total" % space in top
    assert pprof("-tree", path)
    # Once more through its own writer.
    again = tmp_path / "again.pb.gz"
    pprof("-proto", "-output=%s" % again, path)
    assert sums(pprof("-raw", again)) == [count, space, count, space]


@needs_go
def test_go_names_python_s_frames(tmp_path):
    (path,) = written(tmp_path, "native", ".pb.gz")
    top = pprof("-top", "-cum", "-nodecount=1000", "-nodefraction=0", path)
    assert re.search(r"95.00% +<module>$", top, re.M) and re.search(r" xmlHashCreateDict$", top, re.M)
    lines = pprof("-top", "-lines", "-cum", "-nodecount=1000", "-nodefraction=0", path)
    assert "tree /opt/pyleak-native/packages.py:27" in lines


@needs_go
def test_go_finds_samples_by_their_labels(tmp_path):
    report = load("workers")
    (path,) = written(tmp_path, "workers", ".pb.gz")
    for process in report["processes"]:
        want = sum(round(s["outstanding_count"] or 0) for s in process["sites"])
        shown = pprof("-raw", "-tagfocus=pid=%d" % process["pid"], path)
        assert sums(shown)[2] == want
    leaks = sum(round(s["outstanding_bytes"] or 0) for p in report["processes"] for s in p["sites"] if s["verdict"] == "leak")
    assert sums(pprof("-raw", "-tagfocus=verdict=leak", path))[3] == leaks > 0


@needs_go
def test_go_tells_what_grew_between_two(tmp_path):
    old, new = load("workers"), load("workers")
    new["processes"][0]["sites"][0]["outstanding_bytes"] = 5000000 + (old["processes"][0]["sites"][0]["outstanding_bytes"] or 0)
    paths = []
    for name, report in (("old", old), ("new", new)):
        (tmp_path / (name + ".json")).write_text(json.dumps(report))
        paths.append(tmp_path / (name + ".pb.gz"))
        subprocess.run([TOOL, "--from", tmp_path / (name + ".json"), "--pprof", paths[-1]], stdout=subprocess.DEVNULL, timeout=60, check=True)
    assert "5000000B" in pprof("-top", "-unit=B", "-base", paths[0], paths[1])
    assert sums(pprof("-raw", "-base", paths[0], paths[1]))[3] == 5000000
    same = pprof("-raw", "-base", paths[0], paths[0])
    assert sums(same) == [0, 0, 0, 0]


@pytest.fixture(scope="module", name="speedscope")
def speedscope_fixture(tmp_path_factory):
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("speedscope")
    got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, SPEEDSCOPE], capture_output=True,
                         text=True, timeout=300, check=False)  # fmt: skip
    if got.returncode:
        pytest.skip("npm has no %s: %s" % (SPEEDSCOPE, got.stderr.strip().splitlines()[:1]))
    return folder


def imported(folder, *paths):
    run = subprocess.run(["node", os.path.join(HERE, "speedscope.mjs"), folder, *paths], capture_output=True, text=True, timeout=120, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return [json.loads(line) for line in run.stdout.strip("\n").split("\n")]


@pytest.mark.parametrize("name", REPORTS)
def test_speedscope_reads_both_kinds_of_file(tmp_path, speedscope, name):
    report = load(name)
    own, profile = imported(speedscope, *written(tmp_path, name, ".speedscope.json", ".pb.gz"))
    space = sum(s["outstanding_bytes"] or 0 for p in report["processes"] for s in p["sites"])
    kept = [p for p in own["profiles"] if p["name"].endswith("bytes that stay")]
    assert len(kept) == len(report["processes"]) and all(p["unit"] == "bytes" for p in kept)
    assert sum(p["endValue"] for p in kept) == pytest.approx(space)
    assert [(p["unit"], p["endValue"]) for p in profile["profiles"]] == [("bytes", total(report, "outstanding_bytes"))]
    with open(os.path.join(FORMATS, name + ".speedscope.json"), encoding="utf-8") as f:
        ours = {frame["name"] for frame in json.load(f)["shared"]["frames"]}
    theirs = {frame["name"] for frame in own["shared"]["frames"]}
    assert theirs == {n for n in ours if any(n == f["function"] or n == "+" + f.get("offset", "") for p in report["processes"] for s in p["sites"]
                                             for f in s["stack"] if s["outstanding_bytes"] or s["growth_bytes_per_s"])}  # fmt: skip

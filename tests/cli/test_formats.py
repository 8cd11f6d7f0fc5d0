# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A report in the formats of other tools: the same totals, the same stacks, and nothing in a name that could end a frame."""
import copy
import json
import os
import re
import subprocess

import pytest

import lib_pprof

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))
GOLDEN = os.path.join(ROOT, "tests", "golden", "report.json")
HOSTILE = ["</script><b>", "a;b c", "\x1b[2Jx", "nul\x01", "\ud800", "line\nfeed", "x" * 100000, "\u202e" + "right", "1 2 3", '"\\']


def load():
    with open(GOLDEN, encoding="utf-8") as f:
        return json.load(f)


def convert(report, tmp_path, name, to="-"):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    run = subprocess.run([TOOL, "--from", path, "--" + name, to], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    return run.stdout


def stays(report):
    return sum(round(s["outstanding_bytes"] or 0) for p in report["processes"] for s in p["sites"])


def folded(report, tmp_path):
    """[(frames, bytes)]"""
    lines = convert(report, tmp_path, "folded").decode("utf-8").splitlines()
    return [(line.rpartition(" ")[0].split(";"), int(line.rpartition(" ")[2])) for line in lines]


def test_folded_stacks_have_the_report_s_totals(tmp_path):
    report = load()
    rows = folded(report, tmp_path)
    assert sum(n for _, n in rows) == stays(report) > 0
    process = report["processes"][0]
    leak = next(s for s in process["sites"] if s["verdict"] == "leak")
    frames = next(f for f, n in rows if n == round(leak["outstanding_bytes"]))
    assert frames[:2] == ["%s %d" % (process["comm"], process["pid"]), leak["kind"]]
    last = leak["stack"][0]
    assert frames[-1] == "%s (%s:%d)" % (last["function"], last["file"], last["line"])
    assert len(frames) == 2 + len(leak["stack"]) + leak.get("truncated", False)


def profiles(report, tmp_path):
    text = json.loads(convert(report, tmp_path, "speedscope"))
    frames = text["shared"]["frames"]
    for p in text["profiles"]:
        assert p["type"] == "sampled" and p["unit"] == "bytes" and p["startValue"] == 0
        assert len(p["samples"]) == len(p["weights"]) and all(w > 0 for w in p["weights"])
        assert p["endValue"] == pytest.approx(sum(p["weights"]))
        assert all(0 <= i < len(frames) for s in p["samples"] for i in s)
    return text


def test_speedscope_has_what_stays_and_what_grows(tmp_path):
    report = load()
    text = profiles(report, tmp_path)
    kept = [p for p in text["profiles"] if "stay" in p["name"]]
    assert len(text["profiles"]) == 2 * len(report["processes"])
    assert sum(p["endValue"] for p in kept) == pytest.approx(sum(
        s["outstanding_bytes"] or 0 for p in report["processes"] for s in p["sites"]))  # fmt: skip
    leak = next(s for s in report["processes"][0]["sites"] if s["verdict"] == "leak")
    where = kept[0]["weights"].index(pytest.approx(leak["outstanding_bytes"]))
    names = [text["shared"]["frames"][i]["name"] for i in kept[0]["samples"][where]]
    assert names == [f["function"] for f in reversed(leak["stack"])]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_in_their_place(tmp_path, text):
    report = load()
    plain = folded(report, tmp_path)
    changed = copy.deepcopy(report)
    for process in changed["processes"]:
        process["comm"] = text
        for site in process["sites"]:
            for frame in site["stack"]:
                frame["function"] = text
                frame["file" if frame["lang"] == "python" else "module"] = text
    rows = folded(changed, tmp_path)
    assert [(len(f), n) for f, n in rows] == [(len(f), n) for f, n in plain]
    assert not any(c < " " or c in "\x7f\u202e" for f, _ in rows for frame in f for c in frame)
    profiles(changed, tmp_path)


def poison(process, text):
    """Wherever a process may have chosen the name; one that is long in one place of each kind."""
    is_long = len(text) > 10000
    process["comm"] = process["types"][0]["name"] = text
    if not is_long:
        process.update(cmdline=[text, text], container=dict.fromkeys(("id", "name", "runtime", "pod", "namespace"), text))
    for site in process["sites"][:1] if is_long else process["sites"]:
        site["types"] = [{"name": text, "share": 1}]
        site["held_by"] = {"path": text, "share": 1}
        for frame in site["stack"][:1] if is_long else site["stack"]:
            frame["function"] = text
            for key in ("file", "module", "build_id"):
                if key in frame:
                    frame[key] = text


OBEYED = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]")
RAW = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize("text", [*HOSTILE, "nul\0l", "\x9b31m\x9c", "</script>" * 12000, "\x1b]52;c;" + "A" * 2**20, "\udfff\ud800" * 3,
                                  "\xe9" * 2**17], ids=range(len(HOSTILE) + 6))  # fmt: skip
def test_hostile_names_are_inert_in_every_format(tmp_path, text):
    report = load()
    report["processes"] = report["processes"][:1]
    poison(report["processes"][0], text)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))

    def out(*args):
        run = subprocess.run([TOOL, "--from", path, *args], capture_output=True, timeout=60, env={"LC_ALL": "C.UTF-8"}, check=False)
        assert (run.returncode, run.stderr) == (0, b"")
        return run.stdout

    for args in ((), ("-v",), ("--folded", "-")):
        shown = out(*args).decode("utf-8")
        assert not OBEYED.search(shown) and (args[1:] or max(map(len, shown.split("\n"))) < 4000)
    for name in ("--json", "--speedscope"):
        shown = out(name, "-").decode("utf-8")
        assert not RAW.search(shown) and json.loads(shown)
    p = lib_pprof.Profile(out("--pprof", "-"))
    assert not any(OBEYED.search(s) or "\n" in s or len(s.encode()) > 1020 for s in p.strings)
    assert p.total(lib_pprof.INUSE_SPACE) == stays(report)


def test_one_of_them_takes_standard_output(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(load()))
    run = subprocess.run([TOOL, "--from", path, "--folded", "-", "--speedscope", "-"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 or run.returncode == 1, run
    assert run.stderr.count("\n") == 1 and "standard output" in run.stderr
    to = tmp_path / "both"
    run = subprocess.run([TOOL, "--from", path, "--folded", "-", "--speedscope", to], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and run.stdout and json.loads(to.read_text())["profiles"]


@pytest.mark.parametrize("name, starts", [("r.json", "{\n \"schema\": \"pyleak"), ("r.folded", "gunicorn 1234;"), ("r.html", "<!doctype html>"),
                                          ("r.speedscope.json", "{\n \"$schema\""), ("r.pb.gz", "\x1f\x8b"),
                                          ("r.pprof", "\x1f\x8b")])  # fmt: skip
def test_a_suffix_says_the_format(tmp_path, name, starts):
    to = tmp_path / name
    run = subprocess.run([TOOL, "--from", GOLDEN, "--output", to], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr, run.stdout) == (0, "", ""), "a file was asked for, and no text"
    assert to.read_bytes().startswith(starts.encode("latin-1"))


@pytest.mark.parametrize("args, says", [
    (["--output", "r.txt"], "must end in one of"),
    (["--output", "-"], "must end in one of"),
    (["--output", ".json"], "must end in one of"),
    (["--output", "a.json", "--json", "b.json"], "the same format"),
])  # fmt: skip
def test_a_suffix_that_says_none(args, says):
    run = subprocess.run([TOOL, "--from", GOLDEN, *args], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and says in run.stderr and run.stderr.count("\n") == 1

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reports that are none of ours, and names of files that would have one result destroy what another is made from."""
import glob
import json
import os
import re
import shutil
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))
GOLDEN = os.path.join(ROOT, "tests", "golden", "report.json")
RECORDING = sorted(glob.glob(os.path.join(ROOT, "tests/judge/corpus/*.rec")))[0]


def run(*args, **kwargs):
    return subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, timeout=60, check=False, **kwargs)


def golden():
    with open(GOLDEN, encoding="utf-8") as f:
        return json.load(f)


def save(path, report):
    path.write_text(json.dumps(report))
    return path


@pytest.mark.parametrize("words", [[None], ["python3", None], [1, {}], ["python3", [], "-m", None], []])
def test_words_that_are_none(words, tmp_path):
    report = golden()
    for process in report["processes"]:
        process["cmdline"] = words
    path = save(tmp_path / "r.json", report)
    for args in (("--from", path, "-v"), ("merge", path, path), ("diff", path, GOLDEN, "-v"), ("--from", path, "--json", "-")):
        found = run(*args)
        assert (found.returncode, found.stderr) == (0, ""), args


def members(x, path=()):
    """The path to each member, once for all items of a list."""
    for key, value in x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ():
        if isinstance(key, str):
            yield path + (key,)
        yield from members(value, path + (key,))


def apart(paths):
    """In few groups: what stands at the top is alone, of others a group has one of each parent, and none within another."""
    groups = []
    for path in paths:
        for group in groups if len(path) > 1 else ():
            if all(len(p) > 1 and p[:-1] != path[:-1] and p != path[: len(p)] and path != p[: len(path)] for p in group):
                group.append(path)
                break
        else:
            groups.append([path])
    return groups


def test_what_is_not_known_is_no_number(tmp_path, full):
    paths = {tuple("*" if isinstance(k, int) else k for k in p): p for p in members(golden())}.values()
    assert len(paths) > 150
    for group in [[p] for p in paths] if full else apart(paths):
        report = golden()
        for path in group:
            at = report
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = None
        saved = save(tmp_path / "r.json", report)
        for args in (("--from", saved, "-v"), ("merge", "-v", saved, GOLDEN), ("diff", "-v", GOLDEN, saved)):
            found = run(*args)
            assert found.returncode in (0, 1), (group, found.stderr)
            assert not re.search(r"\bnan\b|\(null\)", found.stdout + found.stderr), (group, found.stdout)


@pytest.mark.parametrize("args", [("diff", "{a}", "{b}", "--json", "{b}"), ("diff", "{a}", "{b}", "--output", "{a}"),
                                  ("diff", "--folded", "{link}", "{a}", "--", "{b}", "{a}"), ("merge", "{a}", "{b}", "--json", "{b}"),
                                  ("--from", "{a}", "--folded", "{a}"), ("--from", "{r}", "--json", "{r}"),
                                  ("--from", "{r}", "--at", "5", "--record", "{r}"), ("--from", "{link}", "--output", "{a}"),
                                  ("why", "--site", "d2c3", "--from", "{a}", "--json", "{a}"),
                                  ("why", "--site", "d2c3", "--from", "{link}", "--dot", "{a}")])  # fmt: skip
def test_no_result_replaces_what_it_is_made_from(args, tmp_path):
    names = {n: str(tmp_path / f) for n, f in (("a", "a.json"), ("b", "b.json"), ("r", "r.rec"), ("link", "link.json"))}
    for n, source in (("a", GOLDEN), ("b", GOLDEN), ("r", RECORDING)):
        shutil.copy(source, names[n])
    os.symlink("a.json", names["link"])
    found = run(*(word.format(**names) for word in args))
    assert found.returncode in (1, 2) and found.stdout == "" and found.stderr.count("\n") == 1
    assert " would replace what it is made from" in found.stderr
    for n, source in (("a", GOLDEN), ("b", GOLDEN), ("r", RECORDING)):
        with open(names[n], "rb") as now, open(source, "rb") as before:
            assert now.read() == before.read()
    assert os.readlink(names["link"]) == "a.json"


def test_standard_input_is_read_once():
    with open(GOLDEN, encoding="utf-8") as f:
        text = f.read()
    for args in (("diff", "-", "-"), ("merge", "-", GOLDEN, "-"), ("diff", "-", "--", GOLDEN, "-")):
        found = run(*args, input=text)
        assert found.returncode == 2 and "can be read once" in found.stderr and found.stderr.count("\n") == 1
    assert run("diff", "-", GOLDEN, input=text).returncode == 0


@pytest.mark.parametrize("what", ["lost", "members"])
def test_many_of_a_kind_take_no_longer_each(what, tmp_path):
    report = golden()
    process = report["processes"][0]
    report["processes"] = [process]
    if what == "lost":
        process["lost"] = {"reason-%d" % i: 1 for i in range(100000)}
    else:
        process["members"] = [{"hostname": "web-%d" % i, "pid": i, "comm": "x", "verdict": "leak"} for i in range(100000)]
    path = save(tmp_path / "r.json", report)
    begin = time.monotonic()
    found = run("diff", path, path, "--json", "-")
    assert (found.returncode, found.stderr) == (0, "") and time.monotonic() - begin < 15
    assert json.loads(found.stdout)["a"]["hosts"] == (1 if what == "lost" else 100000)
    merged = json.loads(run("merge", path, path, "--json", "-").stdout)["processes"][0]
    assert len(merged["lost"]) == len(process["lost"])
    assert set(merged["lost"].values()) == set(process["lost"].values())


def test_the_last_report_of_a_process_counts(tmp_path):
    paths = []
    for n, ended in enumerate(["2026-01-01T00:00:05Z", None, "2026-01-01T00:00:09Z", "no time", "2026-01-01T00:00:07Z"]):
        report = golden()
        report["processes"] = report["processes"][:1]
        report["ended_at"] = ended
        report["processes"][0]["memory"]["rss_bytes"] = 1000 + n
        paths.append(save(tmp_path / ("%d.json" % n), report))
    for order in (paths, paths[::-1], paths[1:] + paths[:1]):
        assert json.loads(run("merge", *order, "--json", "-").stdout)["processes"][0]["memory"]["rss_bytes"] == 1002

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two watches compared. The reports in diff/ were made by watches of tests/zoo/mixed.py: same-N.json of one process, 20 s each;
twice-N.json of one where session() has twice the rate; once.json and twice.json of the two for 90 s. v1.json and v2.json are
those of tests/e2e/test_site_ids.py."""
import copy
import functools
import glob
import itertools
import json
import os
import subprocess

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))
HERE = os.path.join(ROOT, "tests", "cli", "diff")
SAME = sorted(glob.glob(os.path.join(HERE, "same-*.json")))
TWICE = sorted(glob.glob(os.path.join(HERE, "twice-*.json")))
V1, V2 = os.path.join(HERE, "v1.json"), os.path.join(HERE, "v2.json")
ONCE, DOUBLE = os.path.join(HERE, "once.json"), os.path.join(HERE, "twice.json")
DIFFERS = ("new", "grew", "shrank", "gone")


def diff(*args):
    return subprocess.run([TOOL, "diff", *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(path, report):
    path.write_text(json.dumps(report))
    return path


@functools.cache
def validator():
    schema = load(os.path.join(ROOT, os.environ.get("PYLEAK_BUILD", "build"), "diff.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def compared(*args):
    run = diff(*args[:1], "--json", "-", *args[1:]) if "--" not in args else diff("--json", "-", *args)
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    validator().validate(found)
    rows = found["rows"]
    assert found["count"] == {c: sum(r["change"] == c for r in rows) for c in found["count"]}
    assert found["differs"] == any(r["change"] in DIFFERS for r in rows)
    return found


def function_of(row):
    return next(f["function"] for f in (row["b"] or row["a"])["stack"] if f["lang"] == "python")


def test_watches_of_the_same_thing_do_not_differ():
    pairs = list(itertools.permutations(SAME, 2)) + list(itertools.permutations(TWICE, 2))
    assert len(pairs) >= 20
    differ = [p for p in pairs if compared(*p)["differs"]]
    assert len(differ) <= 0.05 * len(pairs), differ


def changed(*args):
    return {function_of(r): r for r in compared(*args)["rows"] if r["change"] in DIFFERS}


def test_a_doubling_is_found():
    found = changed(ONCE, DOUBLE)
    assert set(found) == {"session"} and found["session"]["change"] == "grew"
    assert found["session"]["ratio_low"] < 2 < found["session"]["ratio_high"] and found["session"]["chance"] < 0.001
    back = changed(DOUBLE, ONCE)
    assert set(back) == {"session"} and back["session"]["change"] == "shrank"
    assert back["session"]["ratio"] == pytest.approx(1 / found["session"]["ratio"], rel=1e-4)


def test_a_short_watch_finds_it_or_says_that_it_cannot_tell():
    pairs = list(itertools.product(SAME, TWICE))
    rows = [next(r for r in compared(*p)["rows"] if function_of(r) == "session") for p in pairs]
    assert {r["change"] for r in rows} <= {"grew", "unsure"}
    assert sum(r["change"] == "grew" for r in rows) >= len(pairs) / 3
    assert all(set(changed(*p)) <= {"session"} for p in pairs)


def test_the_text_says_so():
    run = diff(ONCE, DOUBLE)
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[0].startswith("A %s: " % ONCE) and lines[1].startswith("B %s: " % DOUBLE)
    assert lines[2].startswith("B differs from A: 1 grew, ")
    assert "#1 GREW  ~+" in run.stdout and "#2" not in run.stdout
    assert "mixed.py:22  session" in run.stdout
    none = diff(SAME[0], SAME[1]).stdout
    assert "No difference that is more than chance: " in none and "#" not in none
    assert diff(SAME[0], SAME[1], "-v").stdout.count("\n#") == len(compared(SAME[0], SAME[1])["rows"])


def test_lines_that_have_moved_are_the_same():
    rows = compared(V1, V2)["rows"]
    of = {}
    for r in rows:
        of.setdefault(function_of(r), []).append(r)
    assert len(of["add"]) == 2 and all(r["a"] and r["b"] and not r["by_line"] for r in of["add"])
    assert all(r["a"]["id"] == r["b"]["id"] for r in of["add"])
    assert all(x["line"] < y["line"] for r in of["add"] for x, y in zip(r["a"]["stack"], r["b"]["stack"], strict=True))
    assert sorted(r["change"] for r in of["load"]) == ["gone", "new"]  # another line of the same name


def as_before(report):
    """As an older version would have written it: ids are of lines, and nothing says so."""
    report = copy.deepcopy(report)
    for p in report["processes"]:
        for s in p["sites"]:
            s["id"] = "%016x" % (int(s["id"], 16) ^ 0xFFFF)
            del s["id_by"], s["independent_samples"]
    return report


def test_reports_of_older_versions_are_compared_by_line(tmp_path):
    old = save(tmp_path / "old.json", as_before(load(SAME[0])))
    rows = compared(old, TWICE[0])["rows"]
    grown = [r for r in rows if r["change"] in DIFFERS]
    assert all(r["a"] and r["b"] for r in rows if function_of(r) != "log")
    assert all(r["by_line"] for r in rows if r["a"] and r["b"] and r["b"]["id_by"])
    assert [function_of(r) for r in grown] in (["session"], [])  # errors are less well known
    assert not compared(old, save(tmp_path / "old2.json", as_before(load(SAME[1]))))["differs"]
    assert "the same by line number" in diff(old, TWICE[0], "-v").stdout


def of_one_cause(path, first, *parts, unlisted=0):
    """The report, which tells these sites as one finding."""
    report = load(path)
    sites = {s["stack"][0]["function"]: s for s in report["processes"][0]["sites"] if s["kind"] == "object"}
    for name in parts:
        sites[name]["part_of"] = sites[first]["id"]
    if unlisted:
        sites[first].update(unlisted=2, unlisted_growth_bytes_per_s=unlisted)
    return report


def test_sites_of_one_cause_are_told_together(tmp_path):
    a = save(tmp_path / "a.json", of_one_cause(ONCE, "order", "session", "main", "pair"))
    report = of_one_cause(DOUBLE, "order", "session", "main", unlisted=700)
    report["processes"][0]["sites"] = [s for s in report["processes"][0]["sites"] if s["stack"][0]["function"] != "pair"]
    b = save(tmp_path / "b.json", report)
    rows = compared(a, b)["rows"]
    first, *parts = rows[:4]
    assert (function_of(first), first["change"]) == ("session", "grew")  # it differs most
    assert [(function_of(r), r["change"]) for r in parts if r["change"] in DIFFERS] == [("pair", "gone")]  # as A has it
    assert {function_of(r) for r in parts} == {"order", "main", "pair"}
    assert all(r["part_of"] == first["b"]["id"] for r in parts)
    assert not any("part_of" in r for r in [first, *rows[4:]]) and not any("cause" in r for r in rows[1:])
    assert first["cause"]["places"] == 4 + 2
    assert first["cause"]["a_per_s"] == pytest.approx(sum(r["a_per_s"] for r in rows[:4]))
    assert first["cause"]["b_per_s"] == pytest.approx(sum(r["b_per_s"] for r in rows[:4]) + 700)
    text = diff(a, b).stdout
    assert text.count("One cause, 6 places: ~+") == 1 and text.count(", same cause as ") == 1
    assert text.index("One cause") < text.index("#1 ") < text.index("#2 ") < text.index(", same cause as ")
    # Reports that tell no causes have none.
    assert "cause" not in diff(ONCE, DOUBLE, "-v").stdout


def test_fail_on_leak():
    assert diff(ONCE, DOUBLE, "--fail-on", "leak").returncode == 3
    assert diff(DOUBLE, ONCE, "--fail-on", "leak").returncode == 0
    assert diff(SAME[0], SAME[1], "--fail-on", "leak").returncode == 0


def test_several_on_a_side(tmp_path):
    others = []
    for n, path in enumerate(TWICE):
        report = load(path)
        report["host"]["hostname"] = "web-%d" % n
        others.append(save(tmp_path / ("%d.json" % n), report))
    found = compared(ONCE, "--", *others)
    assert (found["a"]["processes"], found["b"]["processes"]) == (1, len(others))
    assert found["b"]["hosts"] == len(others) and found["b"]["files"] == [str(p) for p in others]
    grown = {function_of(r): r for r in found["rows"] if r["change"] in DIFFERS}
    assert set(grown) == {"session"}
    row = grown["session"]
    assert row["b_per_s"] == pytest.approx(row["b"]["growth_bytes_per_s"] / len(others), rel=1e-3)
    assert "rates are of one process, on the average" in diff(ONCE, "--", *others).stdout
    merged = tmp_path / "merged.json"
    assert subprocess.run([TOOL, "merge", *others, "--json", merged], stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert [r["b_per_s"] for r in compared(ONCE, merged)["rows"]] == pytest.approx([r["b_per_s"] for r in found["rows"]], rel=1e-4)


def with_others(report, *others):
    """The same, and beside it processes of other command lines, or of what is said of them."""
    report = copy.deepcopy(report)
    for n, (cmdline, sites, changes) in enumerate(others):
        p = copy.deepcopy(report["processes"][0])
        p.update(pid=90000 + n, cmdline=cmdline, **changes)
        if not sites:
            p["sites"] = p["findings"] = []
        report["processes"].append(p)
    return report


def test_what_else_runs_on_the_host_is_no_difference(tmp_path):
    alone = load(ONCE)
    idle = dict(mode="growth", probe=dict(alone["processes"][0]["probe"], on_s=0))
    many = save(tmp_path / "many.json", with_others(alone, *[(["python3", "idle.py"], False, idle)] * 8, (["python3", "api.py"], False, {})))
    merged = tmp_path / "merged.json"
    assert subprocess.run([TOOL, "merge", many, "--json", merged], stdout=subprocess.DEVNULL, check=False).returncode == 0
    for pair in ((many, ONCE), (ONCE, many), (merged, ONCE)):
        found = compared(*pair)
        assert not found["differs"] and {r["ratio"] for r in found["rows"]} <= {1, None}, pair
    assert diff(many, ONCE, "--fail-on", "leak").returncode == 0
    assert (found["a"]["processes"], found["b"]["processes"]) == (10, 1)


def test_workers_of_one_program_are_averaged(tmp_path):
    alone = load(ONCE)
    command = alone["processes"][0]["cmdline"] = ["python3", "app.py", "--port", "8000"]
    one, half = save(tmp_path / "one.json", alone), tmp_path / "half.json"
    save(half, with_others(alone, (command[:3] + ["8001"], False, {})))
    assert {r["ratio"] for r in compared(one, half)["rows"]} <= {0.5, None}
    # those that ended, as workers do that are replaced, count as long as they lived
    save(half, with_others(alone, (command, True, {"state": "exited"})))
    assert {r["ratio"] for r in compared(one, half)["rows"]} <= {1, None}


def test_who_else_is_probed_makes_nothing_new_and_hides_nothing(tmp_path):
    alone = load(ONCE)
    calm = copy.deepcopy(alone)
    calm["processes"][0]["sites"] = calm["processes"][0]["findings"] = []
    # eight that are probed as long, or hardly at all
    short = {"probe": dict(alone["processes"][0]["probe"], on_s=0.01)}
    others = [[(["python3", "api.py"], False, changes)] * 8 for changes in ({}, short)]
    pair = [save(tmp_path / name, report) for name, report in (("calm.json", calm), ("alone.json", alone))]
    changes = [r["change"] for r in compared(*pair)["rows"]]
    assert set(changes) == {"new", "unsure"}
    for n, more in enumerate(others):
        full = save(tmp_path / ("full-%d.json" % n), with_others(alone, *more))
        empty = save(tmp_path / ("empty-%d.json" % n), with_others(calm, *more))
        assert [r["change"] for r in compared(pair[0], full)["rows"]] == changes
        assert changes.count("new") >= [r["change"] for r in compared(empty, pair[1])["rows"]].count("new")


def merge_to(path, *reports):
    assert subprocess.run([TOOL, "merge", *reports, "--json", path], stdout=subprocess.DEVNULL, check=False).returncode in (0, 3)
    return path


def test_workers_that_have_ended_dilute_no_merged_report(tmp_path):
    alone = load(ONCE)
    workers = with_others(alone, *[(alone["processes"][0]["cmdline"], True, {"state": "exited"})] * 3)
    merged = merge_to(tmp_path / "merged.json", save(tmp_path / "workers.json", workers))
    for pair in ((ONCE, merged), (merged, ONCE)):
        assert {r["ratio"] for r in compared(*pair)["rows"]} <= {1, None}, pair


def host_to(path, name, leaks):
    """Three workers."""
    report = load(ONCE)
    report["host"]["hostname"] = name
    process = report["processes"][0]
    if not leaks:
        process["sites"] = process["findings"] = []
    report["processes"] = [dict(process, pid=100 + n) for n in range(3)]
    return save(path, report)


def test_merged_hosts_without_the_line_count(tmp_path):
    made = (("first", "h1", True), ("calm", "h2", False), ("second", "h2", True))
    first, calm, second = (host_to(tmp_path / (path + ".json"), name, leaks) for path, name, leaks in made)
    at_once = compared(first, calm, "--", first, second)
    first, calm, second = (merge_to(p.with_suffix(".merged"), p) for p in (first, calm, second))
    in_steps = compared(first, calm, "--", first, second)
    rows = [[((r["b"] or r["a"])["id"], r["change"], r["ratio"]) for r in found["rows"]] for found in (at_once, in_steps)]
    assert rows[0] == rows[1] and {ratio for _, _, ratio in rows[0]} <= {2, None}
    assert any(change == "grew" for _, change, _ in rows[0])
    # another program's are no part of it
    other = load(calm)
    other["processes"][0]["comm"] = "other"
    other = save(tmp_path / "other.json", other)
    assert {r["ratio"] for r in compared(first, other, "--", first)["rows"]} <= {1, None}


def test_a_recording_is_compared_as_of_its_end():
    recording = sorted(glob.glob(os.path.join(ROOT, "tests/judge/corpus/*.rec")))[0]
    found = compared(recording, recording)
    assert found["rows"] and not found["differs"]
    assert all(r["ratio"] in (None, 1) for r in found["rows"])


def test_folded_stacks_have_two_numbers():
    lines = diff(ONCE, DOUBLE, "--folded", "-").stdout.splitlines()
    rows = {line.split(" (")[0].split(";")[-1] + line.rpartition(";")[2]: line for line in lines}
    assert len(rows) > 4
    for line in lines:
        stack, a, b = line.rsplit(" ", 2)
        assert stack.startswith("python3;") and int(a) >= 0 and int(b) >= 0
    doubled = next(line for line in lines if ";session (" in line).rsplit(" ", 2)
    assert int(doubled[2]) > 1.4 * int(doubled[1])


@pytest.mark.parametrize("name", ["</script><b>", "a;b c", "\x1b[2Jx", "nul\x01", "line\nfeed", "\u202eright", "x" * 100000])
def test_hostile_names_are_inert(name, tmp_path):
    report = load(TWICE[0])
    for s in report["processes"][0]["sites"]:
        for f in s["stack"]:
            f["function"] = f["file"] = name
        s["types"] = [{"name": name, "share": 1}]
        s["id_by"], s["id"] = "source", s["id"][::-1]
    hostile = save(tmp_path / "h.json", report)
    text = diff(SAME[0], hostile, "-v", "--no-color").stdout
    assert "\x1b" not in text and "\x01" not in text and "\u202e" not in text
    assert all(line[:1] in ("#", "A", "B", " ", "") for line in text.split("\n"))
    for line in diff(SAME[0], hostile, "--folded", "-").stdout.split("\n")[:-1]:
        assert line.rsplit(" ", 2)[1].isdigit() and "\x1b" not in line
    compared(SAME[0], hostile)


@pytest.mark.parametrize(("args", "says"), [
    ((), "diff takes two reports, A and B"),
    ((SAME[:1]), "diff takes two reports, A and B"),
    ((SAME[:3]), "diff takes two reports, A and B"),
    (("--", *SAME[:1]), "no report before --"),
    ((*SAME[:1], "--"), "no report behind --"),
    ((*SAME[:2], "--output", "x.txt"), "its name must end in one of .json .folded"),
    ((*SAME[:2], "--json", ""), "--json needs a file name"),
    ((*SAME[:2], "--json", "x.json", "--output", "y.json"), "the same format"),
    ((*SAME[:2], "--json", "-", "--folded", "-"), "standard output takes one format"),
    ((*SAME[:2], "--fail-on", "growth"), "--fail-on"),
    ((SAME[0], "--", SAME[1], "--json", "x.json"), "--json: options come before the first file"),
])  # fmt: skip
def test_bad_usage(args, says):
    run = diff(*args)
    assert run.returncode == 2 and run.stdout == ""
    assert says in run.stderr and run.stderr.count("\n") == 1


def test_what_cannot_be_read_or_written(tmp_path):
    torn = tmp_path / "torn.json"
    torn.write_text(json.dumps(load(SAME[0]))[:5000])
    for args in ((SAME[0], tmp_path / "none.json"), (torn, SAME[0]), (SAME[0], SAME[1], "--json", "/dev/full"),
                 (SAME[0], SAME[1], "--folded", tmp_path / "no" / "x.folded")):  # fmt: skip
        run = diff(*args)
        assert run.returncode == 1 and run.stderr.count("\n") == 1, args
    kept = tmp_path / "kept.json"
    assert diff(SAME[0], SAME[1], "--output", kept).returncode == 0 and load(kept)["schema"] == "pyleak-bpf/diff/1"


def test_who_has_seen_enough_is_no_failure():
    run = subprocess.run("%s diff -v --no-color %s %s | head -1" % (TOOL, SAME[0], TWICE[0]), shell=True, capture_output=True,
                         text=True, timeout=60, check=False)  # fmt: skip
    assert run.returncode == 0 and run.stderr == "" and run.stdout.startswith("A ")


def test_help_teaches():
    text = diff("--help").stdout
    assert text.count("  pyleak-bpf diff ") >= 2 and "Exit status" in text


@pytest.mark.parametrize("args", ([], ["--fail-on", "leak"]))
def test_a_reader_who_leaves_does_not_cost_the_file(tmp_path, args):
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([TOOL, "diff", "-v", *args, "--json", tmp_path / "diff.json", ONCE, DOUBLE], stdout=writer, stderr=subprocess.PIPE,
                         text=True, timeout=60, check=False)
    os.close(writer)
    assert (run.returncode, run.stderr) == (3 if args else 0, "")
    assert load(tmp_path / "diff.json")["rows"]

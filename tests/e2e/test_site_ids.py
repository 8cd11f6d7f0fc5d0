# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two versions of one file: a line that has moved keeps its id, other code of the same name has another one."""
import json
import subprocess
import time

import harness
import pythons

FIRST = """\
import time

KEPT = []


def add(n):
    KEPT.append({"n": n})
    if n % 2:
        KEPT.append({"n": n})


def load(n):
    KEPT.append([n, n + 1, "first"])


def main():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for n in range(6):
            add(n)
            load(n)
        time.sleep(0.01)


main()
"""
# Lines above, a function before it with the same line, deeper by a level; load() is another one.
SECOND = FIRST.replace("KEPT = []\n", 'KEPT = []\n\n# A comment.\nNAMES = {}\n\n\ndef other(n):\n    KEPT.append({"n": n})\n') \
    .replace('KEPT.append([n, n + 1, "first"])', "KEPT.append([n, n + 1, str(n)])") \
    .replace("            add(n)\n            load(n)\n", "            if n >= 0:\n                add(n)\n                load(n)\n")  # fmt: skip


def watch(script, text, out, later=None):
    """The process of the report; @later: the file's text when the program runs already."""
    script.write_text(text)
    with subprocess.Popen([pythons.HOST, "-B", str(script)]) as p:
        try:
            if later:
                time.sleep(2.5)  # more than lines_are_of() allows for
                script.write_text(later)
            run = subprocess.run([harness.TOOL, "-p", str(p.pid), "-q", "-d", "16", "--json", str(out)],
                                 capture_output=True, text=True, timeout=90, check=False)  # fmt: skip
        finally:
            p.kill()
    assert run.returncode == 0, run.stderr
    report = json.loads(out.read_text())
    assert not harness.validate(report)
    return report["processes"][0]


def ids_of(sites, function):
    found = [s for s in sites if s["stack"][0].get("function") == function and s["kind"] == "object"]
    assert all(s["id_by"] == "source" for s in found)
    return {s["id"] for s in found}


def test_a_line_that_moves_keeps_its_id(tmp_path):
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    first, second = (watch(tmp_path / "shop.py", text, out)["sites"] for text, out in ((FIRST, a), (SECOND, b)))
    assert len(ids_of(first, "add")) == 2  # the same text twice in one function
    assert ids_of(first, "add") == ids_of(second, "add")
    assert len(ids_of(first, "load")) == len(ids_of(second, "load")) == 1
    assert ids_of(first, "load") != ids_of(second, "load")
    run = subprocess.run([harness.TOOL, "diff", a, b, "--json", "-"], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout)["rows"]
    both = {r["a"]["id"] for r in rows if r["a"] and r["b"]}
    assert ids_of(first, "add") <= both and not ids_of(first, "load") & both


def test_a_file_that_changes_lends_its_lines_no_text(tmp_path):
    script = tmp_path / "shop.py"
    process = watch(script, FIRST, tmp_path / "a.json", "# A line.\n" * 10 + FIRST)
    of_script = [f for s in process["sites"] for f in s["stack"] if f.get("file") == str(script)]
    assert of_script and not any("source" in f or "around" in f for f in of_script)
    assert [n for n in process["notes"] if "lines of %s are told without their text" % script in n]

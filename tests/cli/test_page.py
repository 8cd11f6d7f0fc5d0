# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The page of --html as a file: its data are those of --json, its policy lets its own script run and nothing else, it is small."""
import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(os.environ.get("PYLEAK_BUILD", ROOT / "build"), "pyleak-bpf"))
CORPUS = ROOT / "tests" / "judge" / "corpus"
GOLDEN = ROOT / "tests" / "golden" / "report.json"
REPORTS = ["packages-busy.rec", "packages-calm.rec", "fds-executors-debian-3.14.rec", "zoo-exception_history-debian-3.11.rec", str(GOLDEN)]
HOSTILE = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\x1b[2J", "nul\x01", "\ud800", "&lt;</pre></noscript><script>"]
MOST_BYTES = 500000


class Parts(html.parser.HTMLParser):
    """[(element, attributes, text)] of what is script, style or meta."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.is_open = False

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])
        self.is_open = True

    def handle_data(self, data):
        if self.found and self.is_open:
            self.found[-1][2] += data

    def handle_endtag(self, tag):
        self.is_open = False

    def all(self, tag):
        return [p for p in self.found if p[0] == tag]


def write(source, as_format):
    run = subprocess.run([TOOL, "--from", source, "--" + as_format, "-"], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    return run.stdout.decode("utf-8")


def parts_of(source):
    page = Parts()
    text = write(source, "html")
    page.feed(text)
    return page, text


def data_of(page):
    return json.loads(page.all("script")[0][2])


def frame_of(row):
    native, function, file, line, module, offset, _, source, around = row
    text = {k: v for k, v in (("source", source), ("around", around)) if v is not None}
    if not native:
        return {"lang": "python", "function": function or "", "file": file or "", "line": line or None, **text}
    return {"lang": "native", "function": function, "module": module or "", "offset": offset, "file": file, "line": line or None, **text}


@pytest.mark.parametrize("name", REPORTS)
def test_its_data_are_the_report(name):
    source = CORPUS / name
    page, _ = parts_of(source)
    data = data_of(page)
    frames = [frame_of(row) for row in data["frames"]]
    assert len({json.dumps(f) for f in frames}) == len(frames)
    for process, more in zip(data["report"]["processes"], data["more"]):
        assert len(more["own"]) == len(more["cut"]) == len(process["sites"])
        for site in process["sites"]:
            site["stack"] = [frames[i] for i in site["stack"]]
    report = json.loads(write(source, "json"))
    for process in report["processes"] + ([report["tree"]["merged"]] if report["tree"] else []):
        process.pop("findings")  # the page makes its own of the sites
    for frame in (f for process in report["processes"] for site in process["sites"] for f in site["stack"]):
        frame.pop("build_id", None)  # nobody reads it
    assert data["report"] == report


@pytest.mark.parametrize("name", REPORTS)
def test_only_its_own_script_and_style_may_run(name):
    page, text = parts_of(CORPUS / name)
    policy = next(m[1]["content"] for m in page.all("meta") if m[1].get("http-equiv") == "Content-Security-Policy")
    scripts, styles = page.all("script"), page.all("style")
    assert [s[1].get("type") for s in scripts] == ["application/json", None] and len(styles) == 1
    for part, rule in ((scripts[1], "script-src"), (styles[0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(part[2].encode()).digest()).decode()
        assert "%s 'sha256-%s'" % (rule, digest) in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not re.search(r"\beval\(|new Function", scripts[1][2])
    assert len(text.encode()) - len(scripts[0][2].encode()) - len("".join(p[2] for p in page.all("pre"))) < MOST_BYTES


def test_long_data_are_in_parts(tmp_path):
    report = json.loads(GOLDEN.read_text())
    site = report["processes"][0]["sites"][0]
    report["processes"][0]["sites"] = [dict(site, id="%016x" % i, reason="\U0001f40d<\u2028" * 60) for i in range(1, 2500)]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    page, _ = parts_of(path)
    parts = [text for _, attributes, text in page.all("script") if dict(attributes).get("type") == "application/json"]
    assert len(parts) > 1
    assert all(len(p) == 1 << 20 and p.isascii() for p in parts[:-1])
    sites = json.loads("".join(parts))["report"]["processes"][0]["sites"]
    assert len(sites) == 2499
    assert {s["reason"] for s in sites} == {"\U0001f40d<\u2028" * 60}


def test_without_scripts_the_report_is_there_as_text():
    page, _ = parts_of(GOLDEN)
    assert "Registry.remember" in page.all("pre")[0][2] and "LEAK" in page.all("pre")[0][2]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_end_nothing(tmp_path, text):
    report = json.loads(GOLDEN.read_text())
    for process in report["processes"]:
        process["comm"] = process["verdict"]["reason"] = text
        process["cmdline"] = [text]
        for site in process["sites"]:
            for frame in site["stack"]:
                frame["function"] = text
                frame["file" if frame["lang"] == "python" else "module"] = text
    path = tmp_path / "r.json"
    path.write_text(json.dumps(report))
    page, _ = parts_of(path)
    plain, _ = parts_of(GOLDEN)
    assert [p[0] for p in page.found] == [p[0] for p in plain.found]
    assert data_of(page)["report"]["processes"][0]["comm"] == json.loads(write(path, "json"))["processes"][0]["comm"]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Everything that the documents refer to is there: files, sections, and the messages that users look up."""
import glob
import os
import re

import pytest
import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "tests/README.md"] + sorted(
    os.path.relpath(p, TOP) for p in glob.glob(TOP + "/docs/**/*.md", recursive=True))
HOLES = re.compile(r"\.\.\.|\b(?:NAME|FILE|[NMVX])\b(?:/s)?|\d[\d.]*")


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def anchors(text):
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}


def strings_of_the_program():
    text = ""
    for path in glob.glob(TOP + "/src/*/*.[ch]") + glob.glob(TOP + "/include/pyleak/*.h"):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    text = re.sub(r'"\s*(?:PRIu64|PRIx64|PRId64)?\s*"', "", text)
    return text.replace("%%", "%").replace('\\"', '"')


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if "://" in link:
            continue
        path, _, section = link.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        assert os.path.exists(os.path.join(TOP, to)), link
        assert not section or section in anchors(read(to)), link


def test_the_messages_that_are_explained_are_those_of_the_program():
    said = strings_of_the_program()
    rows = re.findall(r"^\| `([^`]+)` \|", read("docs/TROUBLESHOOTING.md").split("## The target")[0], re.M)
    assert len(rows) > 15
    for row in rows:
        part = max(HOLES.split(row), key=len).strip(" :()")
        assert part in said, row


def test_the_guide_for_kubernetes_has_the_rights_of_the_daemonset():
    pod = yaml.safe_load(read("packaging/kubernetes/base/daemonset.yaml"))["spec"]["template"]["spec"]
    wanted = pod["containers"][0]["securityContext"]["capabilities"]
    page = read("docs/guide/kubernetes.md")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    context = yaml.safe_load(shown)["securityContext"]
    assert context["capabilities"] == wanted and context["allowPrivilegeEscalation"] is False
    for right in wanted["add"]:
        assert "| `%s` |" % right in page
    patch = yaml.safe_load(read("packaging/kubernetes/selinux/type.yaml"))["spec"]["template"]["spec"]
    assert patch["containers"][0]["securityContext"]["seLinuxOptions"] == context["seLinuxOptions"]


def test_the_guide_explains_the_report_that_the_readme_shows():
    report, table = read("README.md"), read("docs/guide/reading.md").split("A program in which nothing leaks")[0]
    lines = re.findall(r"`([^`]*\d[^`]*)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.M)))
    shown = [x for x in lines if re.match("RSS|sites|probe|costs|delays|coverage|LEAK|#1 LEAK|site |held by", x)]
    assert len(shown) >= 10
    for line in shown:
        assert line.removesuffix(" ...").removesuffix(": ...") in report, line


def test_what_a_hook_finds_in_its_environment_is_told():
    names = set(re.findall(r'ENV\("(PYLEAK_\w+)=', read("src/alert/alerts.c")))
    assert len(names) > 5 and names == set(re.findall(r"`(PYLEAK_\w+)`", read("docs/guide/reading.md")))


def test_the_readme_is_short():
    assert len(read("README.md").splitlines()) <= 120


def spelled_out(pattern):
    """a/{b,c}.c -> a/b.c, a/c.c"""
    found = re.match(r"(.*)\{(.*)\}(.*)", pattern)
    return [found[1] + part + found[3] for part in found[2].split(",")] if found else [pattern]


def test_the_map_of_the_source_leads_to_files():
    table = read("docs/ARCHITECTURE.md").split("## Where is it?")[1].split("## ")[0]
    names = [n for n in re.findall(r"`([\w/*{},.]+\.[ch])`", table) if "NAME" not in n]
    assert len(names) > 20
    for name in names:
        root = "" if name.startswith(("bpf/", "include/", "packaging/")) else "src/"
        for one in spelled_out(name):
            assert glob.glob(os.path.join(TOP, root + one)), one


def test_files_that_are_named_without_their_end_are_there():
    """`room/file`, as the glossary and the internals name them: a file that has moved takes its name there along."""
    found = 0
    for page in ("docs/GLOSSARY.md", "docs/guide/internals.md", "docs/ARCHITECTURE.md"):
        for room, name in re.findall(r"`(\w+)/([a-z_0-9]+\*?)`", read(page)):
            if os.path.isdir(os.path.join(TOP, "src", room)):
                assert glob.glob(os.path.join(TOP, "src", room, name + ".*")), "%s: %s/%s" % (page, room, name)
                found += 1
    assert found > 50


def test_scrapers_are_told_to_ask_for_what_is_served():
    page = read("docs/guide/continuous.md")
    (job,) = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.S)[1])["scrape_configs"]
    wanted = {p["path"] for p in job["profiling_config"]["pprof_config"].values() if p["enabled"]}
    assert wanted and all('"%s"' % path in read("src/serve/http.c") for path in wanted)
    assert all(' "%s"' % name["type"] in read("src/out/pprof.c").replace("{", " ") for name in
               job["profiling_config"]["pprof_config"]["memory"]["keep_sample_type"])  # fmt: skip

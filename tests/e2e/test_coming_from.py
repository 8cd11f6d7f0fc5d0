# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every command of docs/COMING-FROM.md does what the page says, on a program that has one of each."""
import os
import re
import shlex
import subprocess

import pytest

import harness
import pythons

PAGE = os.path.join(harness.TOP, "docs", "COMING-FROM.md")
PROGRAM = os.path.join(pythons.ZOO, "coming_from.py")


def examples():
    """(commands, what they print, exit status) of each console block."""
    with open(PAGE) as f:
        text = f.read()
    found = []
    for block, notes in re.findall(r"```console\n(.*?)```\n((?:<!--.*?-->\n)*)", text, re.S):
        commands = re.findall(r"(?m)^\$ (.*)$", block)
        status = re.search(r"<!-- exit: (\d+) -->", notes)
        found.append((commands, re.findall(r"<!-- prints: (.*?) -->", notes), int(status.group(1)) if status else 0))
    return found


def line_of(mark):
    with open(PROGRAM) as f:
        return next(n for n, line in enumerate(f, 1) if line.rstrip().endswith("# " + mark))


def expected(pattern):
    for mark in ("SESSION", "FILE"):
        pattern = pattern.replace("coming_from.py:" + mark, r"coming_from\.py:%d\b" % line_of(mark))
    return pattern


def run(command, pid, directory):
    assert command.startswith("sudo pyleak-bpf ")
    command = command.replace("sudo pyleak-bpf", shlex.quote(harness.TOOL), 1).replace("PID", str(pid), 1)
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=240, cwd=directory,
                          stdin=subprocess.DEVNULL)  # fmt: skip


def problem(example, directory):
    """The problem of one example, on a program of its own; None is right."""
    commands, prints, status = example
    target = subprocess.Popen([pythons.HOST, "-B", PROGRAM], stdout=subprocess.PIPE)
    try:
        assert target.stdout.readline() == b"ready\n"
        for command in commands:
            r = run(command, target.pid, directory)
            if r.returncode != status:
                return "%s: exit %d: %s" % (command, r.returncode, r.stderr[-500:])
        missing = [p for p in prints if not re.search(expected(p), r.stdout + r.stderr)]
        return "%s: does not print %s:\n%s" % (command, missing, (r.stdout + r.stderr)[-3000:]) if missing else None
    finally:
        target.kill()
        target.wait()
        target.stdout.close()


def test_the_page_has_its_examples():
    assert len(examples()) >= 10 and sum(len(e[1]) for e in examples()) >= 12


def seconds(example):
    return max([0, *map(int, re.findall(r"-d (\d+)", " ".join(example[0])))])


@pytest.mark.parametrize("example", [pytest.param(e, marks=pytest.mark.matrix if seconds(e) > 20 else ()) for e in examples()],
                         ids=lambda e: e[0][0].replace("sudo pyleak-bpf ", "")[:40])  # fmt: skip
def test_an_example_does_what_the_page_says(example, tmp_path):
    assert problem(example, tmp_path) is None


def test_the_page_names_no_option_that_there_is_not():
    with open(PAGE) as f:
        options = set(re.findall(r"`[^`\n]*?(--[a-z-]+)", f.read()))
    helps = "".join(subprocess.run([harness.TOOL, *c, "--help"], capture_output=True, text=True).stdout
                    for c in ([], ["census"], ["why"]))  # fmt: skip
    assert options and not [o for o in options if o not in helps]


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([^)]+)\)", open(PAGE).read()))
def test_links_lead_somewhere(anchor):
    with open(PAGE) as f:
        headings = re.findall(r"(?m)^## (.*)$", f.read())
    slugs = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
    assert anchor in slugs, slugs

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs C test programs and pytest, and ends with one line: N passed, N failed, N skipped.

    run.py --build DIR [--pytest PATH]... [--matrix core|full] [PROGRAM...]
"""
import argparse
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

LIMIT_S = 600
SECOND_TRIES = 12  # failures that may be the machine's; with more it is ours
MESSAGE = 1500  # characters of a failure that are told again at the end
# cmocka's closing lines; it prints them on standard error or output, by version.
COUNTS = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M),
}


def run_program(path):
    """Counts of one cmocka program, and its output when something is wrong."""
    try:
        run = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             stdin=subprocess.DEVNULL, timeout=LIMIT_S, errors="replace")  # fmt: skip
        output, rc = run.stdout, run.returncode
    except subprocess.TimeoutExpired as e:
        output, rc = "%s\nno end after %d s" % ((e.stdout or b"").decode(errors="replace"), LIMIT_S), -1
    counts = {k: sum(map(int, r.findall(output))) for k, r in COUNTS.items()}
    if rc != 0 and not counts["failed"]:
        # A crash prints no summary.
        counts["failed"] = 1
    if rc == 0 and not any(counts.values()):
        counts["failed"], output = 1, output + "\nran no test"
    return counts, output if counts["failed"] else "", rc


def run_pytest(paths, build, matrix, again=False):
    """Counts of one run, and whether pytest itself came to an orderly end."""
    junit = os.path.join(build, "pytest.xml")
    cmd = [sys.executable, "-B", "-m", "pytest", "-o", "cache_dir=" + os.path.abspath(os.path.join(build, "pytest")),
           "-q", "-ra", "--junit-xml", junit, *(["--last-failed"] if again else ["--cache-clear"]), *paths]  # fmt: skip
    if any("e2e" in p for p in paths):
        cmd += ["--matrix", matrix]
    if os.path.exists(junit):
        os.unlink(junit)
    env = {**os.environ, "PYLEAK_BUILD": os.path.abspath(build)}
    rc = subprocess.run(cmd, env=env, stdin=subprocess.DEVNULL).returncode
    counts = dict.fromkeys(COUNTS, 0)
    if not os.path.exists(junit):
        return {**counts, "failed": 1}, False
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        n = {k: int(suite.get(k, 0)) for k in ("tests", "failures", "errors", "skipped")}
        counts["failed"] += n["failures"] + n["errors"]
        counts["skipped"] += n["skipped"]
        counts["passed"] += n["tests"] - n["failures"] - n["errors"] - n["skipped"]
    if rc not in (0, 1, 5) and not counts["failed"]:
        counts["failed"] = 1
    return counts, rc in (0, 1)


def messages(build):
    """What failed last and why, a few lines each: the end of a long log is what people see first."""
    junit = os.path.join(build, "pytest.xml")
    if not os.path.exists(junit):
        return
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        for what in [*case.findall("failure"), *case.findall("error")]:
            text = (what.get("message") or "").strip()[:MESSAGE]
            yield "  WRONG   %s::%s: %s" % (case.get("classname"), case.get("name"), text)


def run_pytest_twice(paths, build, matrix):
    """Real processes on a machine that others share: what fails is tried once more, alone. What fails
    again has failed; what does not is named, so that nobody takes it for a clean pass."""
    counts, orderly = run_pytest(paths, build, matrix)
    if not orderly or not 0 < counts["failed"] <= SECOND_TRIES:
        return counts
    print("  AGAIN   %d of the tests failed: a second try, alone" % counts["failed"], flush=True)
    second, _ = run_pytest(paths, build, matrix, again=True)
    mended = counts["failed"] - second["failed"]
    if second["passed"] + second["failed"] != counts["failed"] or mended < 0:
        return counts
    print("  AGAIN   %d passed at the second try, %d failed twice" % (mended, second["failed"]), flush=True)
    return {**counts, "failed": second["failed"], "passed": counts["passed"] + mended}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--pytest", action="append", default=[])
    parser.add_argument("--matrix", default="core")
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    total = dict.fromkeys(COUNTS, 0)
    for program in args.programs:
        begin = time.monotonic()
        counts, output, rc = run_program(program)
        if output:
            print("%s\n  AGAIN   exit %d of %s: a second try" % (output.rstrip(), rc, program), flush=True)
            counts, output, rc = run_program(program)
        told = ", ".join("%d %s" % (v, k) for k, v in counts.items() if v)
        print("  TEST    %s: %s (%.1f s)" % (program, told, time.monotonic() - begin), flush=True)
        if output:
            print("%s\n  exit %d of %s" % (output.rstrip(), rc, program), flush=True)
        for k, v in counts.items():
            total[k] += v
    if args.pytest:
        for k, v in run_pytest_twice(args.pytest, args.build, args.matrix).items():
            total[k] += v
        print("".join(m + "\n" for m in messages(args.build)), end="")
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

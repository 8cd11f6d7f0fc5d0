#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs C test programs and pytest in stages, and ends with one line: N passed, N failed, N skipped.

    run.py --build DIR [--pytest PATH]... [--matrix core|full] [--jobs N] [PROGRAM...]

What sleeps most of the time runs side by side, what needs a calm machine (pytest's mark `calm`) three at a time on two cores, what measures (its mark
`quiet`) while nothing else does; the programs of tests/kern come last, when nobody else switches probes. What failed is tried once more at the end, alone: real processes on a machine that others share. What fails
again has failed; what does not is named, so that nobody takes it for a clean pass. A guest whose kernel was lost has failed: one that lives the next time is no better. DIR/tests.jsonl has what each took.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_S = 600
SECOND_TRIES = 12  # failures that may be the machine's; with more it is ours
# The words of tests/vm/run.sh. A guest of test_wedge.py may live to tell of its kernel's fault.
LOST_KERNEL = re.compile(r"vm: (?:kernel \S+ is at fault|no result from kernel)")
SLOWEST = 25
MESSAGE = 1500  # characters of a failure that are told again at the end
# cmocka's closing lines; it prints them on standard error or output, by version.
COUNTS = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M),
}


def say(word, text):
    print("  %-7s %s" % (word, text), flush=True)


def run_program(path, matrix):
    """One cmocka program: a row as tests/conftest.py writes them, with counts."""
    # Native blocks are watched on the Pythons whose paths have this in them (tests/kern/test_native_python.c), and of pyenv's
    # fewer are read (tests/unit/test_py_live.c).
    env = os.environ if matrix == "full" else {**os.environ, "PYTHON": "/usr/bin/"}
    begin, cpu = time.monotonic(), 0.0
    # A file, as what it started may have a pipe open for longer than it lives.
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        try:
            run = subprocess.Popen([path], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
            limit = threading.Timer(LIMIT_S, run.kill)
            limit.daemon = True
            limit.start()
            try:
                # Only this tells the CPU time of one program, with that of its children, while others run.
                _, status, used = os.wait4(run.pid, 0)
            finally:
                limit.cancel()
            run.returncode = rc = os.waitstatus_to_exitcode(status)
            cpu = used.ru_utime + used.ru_stime
            out.seek(0)
            output = out.read()
        except OSError as e:
            output, rc = str(e), -1
    if time.monotonic() - begin >= LIMIT_S:
        output += "\nno end after %d s" % LIMIT_S
    counts = {k: sum(map(int, r.findall(output))) for k, r in COUNTS.items()}
    if rc != 0 and not counts["failed"]:
        # A crash prints no summary.
        counts["failed"] = 1
    if rc == 0 and not any(counts.values()):
        counts["failed"], output = 1, output + "\nran no test"
    seconds, bad = time.monotonic() - begin, counts["failed"]
    say("TEST", "%s: %s (%.1f s)" % (path, ", ".join("%d %s" % (v, k) for k, v in counts.items() if v), seconds))
    if bad:
        print("%s\n  exit %d of %s" % (output.rstrip(), rc, path), flush=True)
    return {"test": path, "result": "failed" if bad else "passed", "seconds": seconds, "cpu": cpu, "counts": counts,
            "why": "exit %d: %s" % (rc, output.rstrip()[-MESSAGE:])}  # fmt: skip


def run_programs(paths, jobs, matrix):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda path: run_program(path, matrix), paths))


def start_pytest(args, what, **popen):
    env = {**os.environ, "PYLEAK_BUILD": os.path.abspath(args.build)}
    return subprocess.Popen([sys.executable, "-B", "-m", "pytest", *what], env=env, stdin=subprocess.DEVNULL, **popen)


def run_pytest(args, what):
    """The rows of one run. One more, of a test called pytest, where it did not come to an orderly end."""
    results = os.path.join(args.build, "pytest.jsonl")
    if os.path.exists(results):
        os.unlink(results)
    cmd = ["-v", "--tb=short", "-rs", "--matrix", args.matrix, "--results", results, *what]
    rc = start_pytest(args, cmd).wait()
    rows = []
    if os.path.exists(results):
        with open(results, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
    failed = any(r["result"] == "failed" for r in rows)
    # 5: none is to be run in this stage.
    if rc not in (0, 1, 5) or (rc == 1 and not failed):
        rows.append({"test": "pytest", "result": "failed", "seconds": 0, "cpu": 0, "why": "pytest ended with status %d" % rc})
    return rows


def path_of(row):
    return os.path.join(HERE, row["test"])


def is_tried_again(row):
    return not row["test"].startswith("e2e/test_wedge.py") and not LOST_KERNEL.search(row["why"])


def again(args, rows):
    """Second tries: the rows as they are after those, and the names of what passed only then."""
    failed = [r for r in rows if r["result"] == "failed"]
    if len(failed) > SECOND_TRIES or any(r["test"] == "pytest" for r in failed):
        return rows, []
    failed = [r for r in failed if is_tried_again(r)]
    if not failed:
        return rows, []
    say("AGAIN", "%d failed: a second try, alone" % len(failed))
    second = [run_program(r["test"], args.matrix) for r in failed if "counts" in r]
    python = [path_of(r) for r in failed if "counts" not in r]
    if python:
        second += run_pytest(args, python)
    # Only what was seen to pass is taken back.
    better = {r["test"]: r for r in second if r["result"] == "passed"}
    return [better.get(r["test"], r) if r["result"] == "failed" else r for r in rows], sorted(better)


def count(rows):
    total = dict.fromkeys(COUNTS, 0)
    for row in rows:
        for k, v in row.get("counts", {row["result"]: 1}).items():
            total[k] += v
    return total


def stages(args):
    """(name, what runs it) in their order."""
    # Longest first.
    kern = sorted((p for p in args.programs if "/kern/" in p), key=lambda p: "native" not in p)
    # Those that read many processes, and those with sanitizers, take longest.
    others = sorted((p for p in args.programs if p not in kern), key=lambda p: not any(w in p for w in ("_live", "_san", "hostile")))
    # One of them looks through every interpreter there is, or waits for blocks to be given back; half of the others wait.
    jobs = 2 * os.cpu_count()
    if others and args.pytest:
        # Modules that pytest has rewritten are kept (conftest.py): when its processes start, all at once, they are there.
        start_pytest(args, ["--collect-only", "-q", *args.pytest], stdout=subprocess.DEVNULL)
    if others:
        yield "C programs, %d at a time" % jobs, lambda: run_programs(others, jobs, args.matrix)
    if args.pytest:
        beside = ["--dist", "loadgroup", "--max-worker-restart", "2", *args.pytest]
        yield "pytest, %d at a time" % args.jobs, lambda: run_pytest(args, ["-n", str(args.jobs), "-m", "not quiet and not calm", *beside])
        # One of them computes, the others sleep.
        calm = os.cpu_count() + 1
        yield "pytest, calm, %d at a time" % calm, lambda: run_pytest(args, ["-n", str(calm), "-m", "calm", *beside])
        yield "pytest, quiet", lambda: run_pytest(args, ["-m", "quiet", *args.pytest])
    if kern:
        # They sleep most of the time: the longest of them takes as long as all.
        beside = 2 * os.cpu_count() + 1
        yield "C programs of kern, %d at a time" % beside, lambda: run_programs(kern, beside, args.matrix)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--pytest", action="append", default=[])
    parser.add_argument("--matrix", default="core")
    # They sleep most of the time, but their targets do not.
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("PYLEAK_TEST_JOBS", 4 * os.cpu_count())))
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    rows, times, mended = [], [], []
    for name, run in stages(args):
        begin, new = time.monotonic(), run()
        rows += new
        cpu = sum(r["cpu"] for r in new)
        times.append(("%s%s" % (name, ": %.0f s of CPU" % cpu if cpu else ""), time.monotonic() - begin))
    begin = time.monotonic()
    rows, mended = again(args, rows)
    times.append(("second tries", time.monotonic() - begin))

    with open(os.path.join(args.build, "tests.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    for row in sorted(rows, key=lambda r: -r["seconds"])[:SLOWEST]:
        say("SLOW", "%6.1f s  %s%s" % (row["seconds"], row["test"], ": %.1f s of CPU" % row["cpu"] if row["cpu"] else ""))
    for name, seconds in times:
        say("STAGE", "%6.1f s  %s" % (seconds, name))
    for name in mended:
        say("AGAIN", "failed, and passed at the second try: " + name)
    for row in rows:
        if row["result"] == "failed":
            say("WRONG", "%s: %s" % (row["test"], row["why"].strip()[-MESSAGE:]))
    total = count(rows)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

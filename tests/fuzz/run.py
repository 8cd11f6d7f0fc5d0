#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the libFuzzer targets and says what came of it: executions, speed, which lines of its reader each reaches."""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ENV = {
    **os.environ,
    # A size that is believed shows as an allocation that nobody can have.
    "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def names():
    return sorted(os.path.basename(p)[5:-2] for p in glob.glob(HERE + "/fuzz_*.c"))


def source_of(name):
    with open("%s/fuzz_%s.c" % (HERE, name), encoding="ascii") as f:
        return f.read()


def readers(name):
    """The files that a target drives, as its first comment says."""
    return [w for line in re.findall(r"reads: (.*)$", source_of(name), re.M) for w in line.split()]


def apart(name):
    """Functions in those files that read nothing which may lie: "apart: NAMES: why" of that comment."""
    return {w for line in re.findall(r"apart: ([^:]*):", source_of(name)) for w in line.split()}


def is_for_want_of_memory(line):
    """Nothing here makes an allocation fail: tests/faults does."""
    return "ENOMEM" in line or "out of memory" in line or "out_of_memory" in line


def not_counted(name, functions):
    """Lines by file that say nothing of a reader."""
    found = {}
    for path in readers(name):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            found[path] = {n for n, line in enumerate(f, 1) if is_for_want_of_memory(line)}
    left = apart(name)
    for f in functions:
        path, where = os.path.relpath(os.path.join(TOP, f["filenames"][0]), TOP), f["regions"][0]
        if path in found and f["name"].split(":")[-1] in apart(name):
            found[path].update(range(where[0], where[2] + 1))
            left.discard(f["name"].split(":")[-1])
    if left:
        sys.exit("%s: there is no function %s" % (name, " ".join(sorted(left))))
    return found


def kept(name, build):
    """Directories with inputs: what is committed, and what earlier runs found."""
    found = [os.path.join(HERE, kind, name) for kind in ("corpus", "regress")] + [os.path.join(build, "corpus", name)]
    return [d for d in found if os.path.isdir(d)]


def longest(name):
    """Bytes of an input: half as much again as the longest seed. More would only say the same more often."""
    sizes = [os.path.getsize(p) for d in kept(name, "") for p in glob.glob(d + "/*")]
    return max(1024, *(n * 3 // 2 for n in sizes)) if sizes else 4096


def run(name, build, seconds, seed, least=0):
    """One target for so many seconds: a dictionary of what it did. A finding's input stays below build/found. Where the machine
    was too busy for the least number of runs in that time, the search is made again by number."""
    found = search(name, build, ["-max_total_time=%d" % seconds], seed, seconds * 2 + 240)
    if not found["failed"] and found["runs"] < least:
        found = search(name, build, ["-runs=%d" % least], seed, 240)
    return found


def search(name, build, bound, seed, limit):
    """As run(), with one of libFuzzer's bounds; ended after so many seconds whatever it does."""
    new, found = os.path.join(build, "corpus", name), os.path.join(build, "found", name)
    os.makedirs(new, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    args = [*bound, "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=1500",
            "-artifact_prefix=%s/" % found, "-seed=%d" % seed, "-verbosity=1", "-reload=0",
            "-max_len=%d" % longest(name)]  # fmt: skip
    dictionary = os.path.join(HERE, "dict", name)
    if os.path.exists(dictionary):
        args.append("-dict=" + dictionary)
    command = [os.path.join(build, "san", "fuzz_" + name), *args, new] + [d for d in kept(name, build) if d != new]
    with tempfile.TemporaryFile() as told, subprocess.Popen(command, stdout=told, stderr=told, env=ENV) as p:
        # One round may take a while; the limit is for what never ends.
        end = threading.Timer(limit, p.kill)
        end.start()
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = status
        end.cancel()
        told.seek(0)
        text = told.read().decode(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    return {"name": name, "runs": int(runs.group(1)) if runs else 0, "seconds": used.ru_utime + used.ru_stime,
            "failed": status != 0, "text": text}  # fmt: skip


def coverage(name, build):
    """Lines of the readers that the kept inputs reach: (reached, all), by file."""
    profile = os.path.join(build, "cover", name)
    program = os.path.join(build, "cover", "fuzz_" + name)
    done = subprocess.run([program, "-runs=0", "-timeout=60", "-max_len=1048576", *kept(name, build)],
                          capture_output=True, check=False,
                          env={**ENV, "LLVM_PROFILE_FILE": profile + ".raw"})  # fmt: skip
    if done.returncode:
        sys.stderr.write("%s: no coverage\n%s" % (name, done.stderr.decode(errors="replace")[-2000:]))
        return {}
    subprocess.run(["llvm-profdata-14", "merge", "-o", profile + ".prof", profile + ".raw"], check=True)
    def export(how):
        return subprocess.run(["llvm-cov-14", "export", "-format=" + how, "-instr-profile=" + profile + ".prof", program] +
                              [os.path.join(TOP, f) for f in readers(name)],
                              check=True, capture_output=True, text=True, cwd=TOP).stdout  # fmt: skip

    without = not_counted(name, json.loads(export("text"))["data"][0]["functions"])
    found, at = {}, None
    for line in export("lcov").splitlines():
        if line.startswith("SF:"):
            at = os.path.relpath(os.path.join(TOP, line[3:]), TOP)
        elif line.startswith("DA:"):
            number, count = map(int, line[3:].split(",")[:2])
            if number not in without.get(at, ()):
                found.setdefault(at, {})[number] = count
    return {f: (sum(1 for c in v.values() if c), len(v), sorted(n for n, c in v.items() if not c))
            for f, v in found.items() if f in readers(name)}  # fmt: skip


def percent(files):
    reached, every = sum(v[0] for v in files.values()), sum(v[1] for v in files.values())
    return "%5.1f" % (100 * reached / every) if every else "    -"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", required=True)
    p.add_argument("--seconds", type=int, default=0)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--seed", type=int, default=0, help="0: another one each time")
    p.add_argument("--coverage", action="store_true")
    p.add_argument("--missing", action="store_true", help="with --coverage: numbers of the lines that were not reached")
    p.add_argument("names", nargs="*")
    o = p.parse_args()
    build = os.path.abspath(o.build)
    bad = 0
    wanted = o.names or names()
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        results = {}
        if o.seconds:
            results = {r["name"]: r for r in pool.map(lambda n: run(n, build, o.seconds, o.seed), wanted)}
        covered = dict(zip(wanted, pool.map(lambda n: coverage(n, build), wanted))) if o.coverage else {}
    print("%-12s %12s %9s %7s  %s" % ("target", "runs", "per CPU s", "lines %", "findings"))
    for name in wanted:
        r = results.get(name, {"runs": 0, "seconds": 0, "failed": False})
        print("%-12s %12d %9.0f %7s  %s" % (name, r["runs"], r["runs"] / (r["seconds"] or 1), percent(covered.get(name, {})),
                                            "FOUND" if r["failed"] else "-"))  # fmt: skip
        for f, (reached, every, missed) in sorted(covered.get(name, {}).items()):
            if o.missing:
                print("    %-34s %4d/%4d  %s" % (f, reached, every, " ".join(map(str, missed))))
        bad += r["failed"]
    for r in results.values():
        if r["failed"]:
            print("\n%s:\n%s" % (r["name"], r["text"][-6000:]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

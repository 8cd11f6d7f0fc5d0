#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each threshold of the judge moved by 30 % either way: does a recording or a unit test notice?

    mutate.py [NAME...]

The program is built once more, with thresholds that can be moved when it starts; then the unit tests of the judge
and all recordings are run for each. One that can be moved unnoticed is either not tested, or not needed."""
import argparse
import os
import subprocess
import sys
import tempfile

import corpus
import thresholds

FACTORS = (0.7, 1.3)
UNIT = ("curve", "thresholds", "estimate", "survivors", "holders", "verdict", "judge", "retention", "limits", "report", "coverage")
HEADER = """#define PYLEAK_THRESHOLDS_H
#include <stdlib.h>
#include <string.h>
static inline double threshold_moved(const char *name)
{
	const char *what = getenv("PYLEAK_MOVED"), *at = what ? strchr(what, '=') : NULL;
	return at && strlen(name) == (size_t)(at - what) && !strncmp(what, name, at - what) ? atof(at + 1) : 1;
}
#define THRESHOLD(name, value) ((__typeof__(value))((double)(value) * threshold_moved(name) + ROUND(value)))
#define ROUND(value) (_Generic((value), int: 0.5, default: 0.0))
"""


def write_header(path):
    with open(path, "w", encoding="utf-8") as f:
        f.write(HEADER)
        for t in thresholds.of_header():
            f.write('#define %s THRESHOLD("%s", %s)\n' % (t.name, t.name, t.value))


def build(where):
    header = os.path.join(where, "moved.h")
    write_header(header)
    out = os.path.join(where, "build")
    tests = ["%s/tests/unit/test_%s" % (out, name) for name in UNIT]
    subprocess.run(["make", "-s", "-C", corpus.TOP, "O=" + out, "CPPFLAGS=-include " + header, "CFLAGS=-O2 -w", "all", *tests],
                   check=True)
    return out, tests


def said(out, moved):
    """The first thing that is noticed; None = nothing."""
    env = dict(os.environ, PYLEAK_MOVED=moved)
    for test in UNIT:
        run = subprocess.run(["%s/tests/unit/test_%s" % (out, test)], cwd=corpus.TOP, env=env, capture_output=True)
        if run.returncode:
            return "test_" + test
    for name in corpus.names():
        run = subprocess.run(["%s/pyleak-bpf" % out, "--from", corpus.path_of(name, "rec"), "--json", "-"],
                             env=env, capture_output=True, text=True)
        if run.returncode or corpus.facts(corpus.json.loads(run.stdout)) != corpus.load(name)["said"]:
            return name
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args().names
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="pyleak-mutate-") as where:
        out, _ = build(where)
        if said(out, ""):
            sys.exit("not moved at all, %s fails" % said(out, ""))
        for t in thresholds.of_header():
            if chosen and t.name not in chosen:
                continue
            seen = [said(out, "%s=%g" % (t.name, f)) for f in FACTORS]
            unnoticed += not any(seen)
            print("%-24s %-9s %-40s %s" % (t.name, t.value, *(s or "-" for s in seen)), flush=True)
    print("%d of them can be moved by 30 %% either way, and nothing notices" % unnoticed)
    return 0


if __name__ == "__main__":
    sys.exit(main())

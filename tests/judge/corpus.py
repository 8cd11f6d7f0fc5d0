#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of real runs, and what the judge says of them.

    corpus.py [--tool FILE] [NAME...]        the table: what was true, what is said, how sure
    corpus.py --update [NAME...]             what is said now becomes what has to be said

corpus/NAME.rec is the last moment of a watch; corpus/NAME.json is the truth, known by the program that was
watched, and the facts that a report of it must have. `make record` makes both."""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CORPUS = os.path.join(HERE, "corpus")
SITES = 5
BINS = (0.0, 0.5, 0.8, 0.9, 1.01)


def default_tool():
    return os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")


def names():
    return sorted(os.path.basename(p)[:-4] for p in glob.glob(CORPUS + "/*.rec"))


def replay(tool, path, *more):
    run = subprocess.run([tool, "--from", path, "--json", "-", *more], capture_output=True, text=True, timeout=60, check=False)
    if run.returncode:
        raise RuntimeError("%s: %s" % (path, run.stderr.strip()))
    return json.loads(run.stdout)


def rounded(v):
    """Three digits: what a compiler's order of sums may change is no change."""
    return None if v is None else float("%.3g" % v)


def own_frame(site):
    frames = [f for f in site["stack"] if f.get("lang") == "python"] or site["stack"] or [{}]
    f = frames[0]
    return "%s:%s" % (os.path.basename(f.get("file") or "?"), f.get("line"))


def facts(report):
    """The facts of the one process: what a change of the judge must not change unseen."""
    p = report["processes"][0]
    return {
        "verdict": p["verdict"]["class"],
        "confidence": round(p["verdict"]["confidence"], 2),
        "reason": p["verdict"]["reason"],
        "sites": [{
            "at": own_frame(s),
            "id": s["id"],
            "kind": s["kind"],
            "verdict": s["verdict"],
            "bytes_per_s": rounded(s["growth_bytes_per_s"]),
            "count_per_s": rounded(s["growth_count_per_s"]),
            "hint": (s["hint"] or {}).get("code"),
            "held_by": (s["held_by"] or {}).get("path"),
            "reason": s["reason"],
            **({"part_of": s["part_of"]} if "part_of" in s else {}),
        } for s in p["sites"][:SITES]],
    }  # fmt: skip


def path_of(name, kind):
    return os.path.join(CORPUS, "%s.%s" % (name, kind))


def load(name):
    with open(path_of(name, "json"), encoding="utf-8") as f:
        return json.load(f)


def save(name, truth, said):
    with open(path_of(name, "json"), "w", encoding="utf-8") as f:
        json.dump({"truth": truth, "said": said}, f, indent=1, sort_keys=True)
        f.write("\n")


def keep(tool, name, recording, truth):
    """The last moment of a recording, into the corpus."""
    os.makedirs(CORPUS, exist_ok=True)
    replay(tool, recording, "--record", path_of(name, "rec"))
    os.chmod(path_of(name, "rec"), 0o644)
    save(name, truth, facts(replay(tool, path_of(name, "rec"))))


def table(tool, chosen):
    matrix, calibration = collections.Counter(), collections.defaultdict(list)
    for name in chosen:
        truth, said = load(name)["truth"], facts(replay(tool, path_of(name, "rec")))
        is_right = said["verdict"] in truth["classes"]
        matrix[("/".join(truth["classes"]), said["verdict"])] += 1
        calibration[max(b for b in BINS if b <= said["confidence"])].append(is_right)
        print("%-40s %-18s %-10s %.2f  %s" % (name, "/".join(truth["classes"]), said["verdict"], said["confidence"],
                                              "" if is_right else "WRONG"))
    print("\n%-22s %-10s %s" % ("true", "said", "recordings"))
    for (true, said), n in sorted(matrix.items()):
        print("%-22s %-10s %d" % (true, said, n))
    print("\nconfidence  right")
    for low, rows in sorted(calibration.items()):
        print("from %.1f    %d of %d" % (low, sum(rows), len(rows)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", default=default_tool())
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    o = parser.parse_args()
    chosen = o.names or names()
    if not o.update:
        table(o.tool, chosen)
    for name in chosen if o.update else ():
        save(name, load(name)["truth"], facts(replay(o.tool, path_of(name, "rec"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

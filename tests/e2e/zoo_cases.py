# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cases of tests/zoo/cases: their truth, one run of one case, and the tables over many."""
import dataclasses
import glob
import os
import re
import time

import harness
from pythons import ZOO

CLASSES = ("leak", "growing", "warmup", "bloat", "retention", "steady")


@dataclasses.dataclass(frozen=True)
class Case:
    """Read from the marks of its source: nothing about a case is said elsewhere."""

    name: str

    @property
    def program(self):
        return "cases/" + self.name

    @property
    def source(self):
        with open(os.path.join(ZOO, self.program + ".py")) as f:
            return f.read().splitlines()

    @property
    def truth(self):
        line = next(x for x in self.source if x.startswith("# TRUTH "))
        return dict((x.split("=", 1) + [""])[:2] for x in line.split()[2:])

    @property
    def classes(self):
        return self.truth["class"].split(",")

    @property
    def leaks(self):
        return self.classes == ["leak"]

    @property
    def guilty(self):
        return {n for n, text in enumerate(self.source, 1) if "# LEAK" in text}


def all_cases():
    names = sorted(os.path.basename(p)[:-3] for p in glob.glob(ZOO + "/cases/*.py"))
    return [Case(n) for n in names if n != "case"]


@dataclasses.dataclass
class Outcome:
    case: str
    python: str
    expected: list
    verdict: str = "?"
    confidence: float = 0.0
    reason: str = ""
    rank: int = 0  # of the first site at a guilty line; 0 = none
    first: str = ""
    rate: float = None  # told / true, of objects
    hint: str = None
    hint_right: bool = None
    seconds_to_leak: float = None
    accused: list = dataclasses.field(default_factory=list)  # places wrongly called leak
    problems: list = dataclasses.field(default_factory=list)

    @property
    def leaks(self):
        return self.expected == ["leak"]


def lines_of(site, path):
    """The line of the case's own code: the innermost frame in its file."""
    frames = [f for f in site["stack"] if f["lang"] == "python"]
    own = [f for f in frames if f["file"] == path]
    return (own or frames or [{"file": None, "line": None}])[0]


def seconds_to_leak(printed):
    for when, line in printed:
        if re.match(r" +LEAK \(confidence", line):
            return round(when, 1)
    return None


def look_at_sites(out, case, process, target, report):
    for rank, site in enumerate(process["sites"], 1):
        frame = lines_of(site, target.path)
        good = frame["file"] == target.path and frame["line"] in case.guilty
        if rank == 1:
            out.first = "%s:%s" % (os.path.basename(frame["file"] or "?"), frame["line"])
            out.hint = (site["hint"] or {}).get("code")
        if good and not out.rank:
            out.rank = rank
        # A container of a guilty file may be named too; another file or an innocent case never.
        if site["verdict"] == "leak" and (not case.leaks or frame["file"] != target.path):
            out.accused.append("%s:%s" % (os.path.basename(frame["file"] or "?"), frame["line"]))
    if case.leaks and out.hint:
        out.hint_right = out.hint == case.truth.get("hint")
    if out.rank and case.truth.get("objects"):
        count, _ = harness.true_rates(target.truth(), harness.wall(report["started_at"]),
                                      harness.wall(report["ended_at"]))  # fmt: skip
        told = process["sites"][out.rank - 1]["growth_count_per_s"]
        out.rate = round(told / (count * int(case.truth["objects"])), 3) if told and count else None


def run_case(python, case, seconds, args=()):
    out = Outcome(case.name, python.name, case.classes)
    try:
        with harness.Target(python, case.program, args) as target:
            target.wait_ready()
            time.sleep(0.5)
            run = harness.run_tool(target.pid, seconds)
            if run.rc != 0 or not run.report:
                out.problems.append("exit %d: %s" % (run.rc, run.stderr.strip()[-200:]))
                return out
            if not target.alive():
                out.problems.append("the target died")
            process = run.report["processes"][0]
            out.verdict = process["verdict"]["class"]
            out.confidence = process["verdict"]["confidence"]
            out.reason = process["verdict"]["reason"]
            out.seconds_to_leak = seconds_to_leak(run.printed)
            look_at_sites(out, case, process, target, run.report)
    except Exception as e:  # one broken case must not take the others with it
        out.problems.append("%s: %s" % (type(e).__name__, e))
        return out
    out.problems += judge(out)
    if not out.problems:
        harness.keep_accepted(run.recording, "zoo-%s-%s" % (case.name, python.name), run.report, case.classes)
    return out


def judge(out):
    problems = ["leak verdict at " + place for place in out.accused]
    # On a busy machine an innocent one may be "growing" for a while, or its memory swing: the table counts it,
    # but only an accusation is wrong.
    if out.verdict not in out.expected and (out.leaks or out.verdict not in ("growing", "bloat")):
        problems.append("called %s (%s)" % (out.verdict, out.reason))
    if out.leaks and not 1 <= out.rank <= 3:
        problems.append("first site is %s" % (out.first or "none"))
    return problems


def table(outcomes):
    lines = ["%-14s %-22s %-8s %4s %5s %6s %6s  %s" % (
        "python", "case", "verdict", "rank", "sure", "rate", "leak@", "")]  # fmt: skip
    for o in sorted(outcomes, key=lambda o: (o.python, not o.leaks, o.case)):
        lines.append("%-14s %-22s %-8s %4s %5.2f %6s %6s  %s" % (
            o.python, o.case, o.verdict, o.rank or "-", o.confidence,
            "-" if o.rate is None else "%.2f" % o.rate,
            "-" if o.seconds_to_leak is None else "%.0f" % o.seconds_to_leak,
            "; ".join(o.problems)[:150] or o.hint or "ok"))  # fmt: skip
    return "\n".join(lines + [""] + summary(outcomes))


def share(text, good, all_):
    return "%-34s %d of %d" % (text, len(list(good)), len(all_)) if all_ else "%-34s -" % text


def summary(outcomes):
    leaks = [o for o in outcomes if o.leaks]
    twins = [o for o in outcomes if not o.leaks]
    rated = [o for o in leaks if o.rate is not None]
    hinted = [o for o in leaks if o.hint_right is not None]
    times = sorted(o.seconds_to_leak for o in leaks if o.seconds_to_leak is not None)
    lines = ["%-12s" % "" + "".join("%11s" % c for c in CLASSES)]
    for name, rows in (("leaking", leaks), ("innocent", twins)):
        lines.append("%-12s" % name + "".join(
            "%11d" % sum(o.verdict == c for o in rows) for c in CLASSES))  # fmt: skip
    lines += [
        share("first site's line right", (o for o in leaks if o.rank == 1), leaks),
        share("within the first three", (o for o in leaks if 1 <= o.rank <= 3), leaks),
        share("class right", (o for o in leaks if o.verdict == "leak"), leaks),
        share("innocent not called leak", (o for o in twins if o.verdict != "leak"), twins),
        share("innocent, class as expected", (o for o in twins if o.verdict in o.expected), twins),
        share("rate within 20 %", (o for o in rated if abs(o.rate - 1) <= 0.2), rated),
        share("hint right where one is given", (o for o in hinted if o.hint_right), hinted),
    ]
    if times:
        lines.append("first called leak after: median %.0f s, worst %.0f s" % (
            times[len(times) // 2], times[-1]))  # fmt: skip
    return lines

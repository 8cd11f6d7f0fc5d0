# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Calls fail, a few of each kind, by a seed; `make faults` tries many more. And what a host runs out of: descriptors,
room on a disk, memory."""
import concurrent.futures
import random
import resource
import shutil
import subprocess
import tempfile
import time

import pytest

import faults
from faults import Bench, run_once, run_plan, spread
from lib_cases import CASES, Run
from lib_inject import GROUPS, TOOL

SEED = 20
BY_NAME = {c.name: c for c in CASES}
QUICK = ("census", "census --save", "why", "doctor -p", "census --from", "why --from", "merge")
# Calls of each group: one where a run takes half a second and more; in the core set where it takes a third of that, too.
FEW = dict.fromkeys(("census", "census --save", "why", "doctor -p"), 1)
FEW_IN_CORE = {**FEW, "census --from": 1, "why --from": 1}
MINUTES = ("watch", "sweep", "serve")  # each run takes seconds


@pytest.fixture(scope="module", name="bench")
def bench_fixture():
    b = Bench(2)
    yield b
    b.close()


@pytest.mark.parametrize("name", QUICK)
def test_every_kind_of_call(bench, name, full):
    case, rng = BY_NAME[name], random.Random(SEED)
    outcome, _, calls = run_once(case, bench)
    assert outcome == "right"
    wanted = (FEW if full else FEW_IN_CORE).get(name, 2)
    work = [(case, faults.Fault(g, n, code, on)) for g in GROUPS if g != "filter"
            for n, code, on in spread(calls[g], wanted, GROUPS[g], g != "wait", rng)]  # fmt: skip
    assert len(work) > 8
    assert not run_plan(bench, 2, work)[2]


@pytest.mark.parametrize("name", MINUTES)
def test_some_calls_of_what_goes_on(bench, name):
    case, rng = BY_NAME[name], random.Random(SEED)
    outcome, _, calls = run_once(case, bench)
    assert outcome in ("right", "told")
    groups = rng.sample([g for g in GROUPS if g != "filter" and calls[g]], 3)
    work = [(case, faults.Fault(g, n, code, on)) for g in groups for n, code, on in spread(calls[g], 1, GROUPS[g], False, rng)]
    assert not run_plan(bench, 2, work)[2]


def limited(bench, case, what, most):
    """A run with less of something than it needs."""
    target, where = bench.targets.get(), tempfile.mkdtemp(dir=bench.where)
    shutil.copy(bench.file("wanted.json"), where)
    run = Run(target if case.live else bench.all[0], where)
    words = {"pid": target.pid, "dir": where, "mark": target.mark, "shared": bench.where}
    try:
        child = subprocess.run([TOOL, *(a.format(**words) for a in case.args)], stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=60, check=False,
                               preexec_fn=lambda: resource.setrlimit(what, (most, most)))  # fmt: skip
    finally:
        bench.targets.put(target)
    run.rc, run.out, run.err = child.returncode, child.stdout, child.stderr
    return faults.verdict(case, run, None)


@pytest.mark.parametrize("name", ["census", "why", "merge", "census --from"])
def test_too_few_descriptors_and_too_little_memory(bench, name):
    limits = {("nofile", n): (resource.RLIMIT_NOFILE, n) for n in (4, 8, 16, 40)}
    limits.update({("as", n): (resource.RLIMIT_AS, n << 20) for n in (24, 40, 64, 128)})
    with concurrent.futures.ThreadPoolExecutor(len(bench.all)) as pool:
        outcomes = dict(zip(limits, pool.map(lambda limit: limited(bench, BY_NAME[name], *limit), limits.values())))
    wrong = {k: v for k, v in outcomes.items() if v not in ("right", "told", "refused")}
    # The loader itself needs some.
    wrong = {k: v for k, v in wrong.items() if v != "ended by status 127"}
    assert not wrong
    assert all(target.goes_on() for target in bench.all)


def test_a_full_disk(bench, tmp_path):
    """An old report stays as it was, a new one is not begun; nothing else is left there."""
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(full)], check=True)
    try:
        old = full / "old.json"
        old.write_text("old")
        with open(full / "filler", "wb", 0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        for args in (("census", "-p", bench.all[0].pid, "-q", "--json", old), ("census", "-p", bench.all[0].pid, "-q", "--json", full / "new"),
                     ("census", "-p", bench.all[0].pid, "-q", "--save", full / "new.snap"),
                     ("merge", bench.file("census.json"), bench.file("census.json"), "--json", full / "new")):  # fmt: skip
            run = subprocess.run([TOOL, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                 check=False)  # fmt: skip
            assert run.returncode == 1 and "No space left" in run.stderr and run.stderr.count("\n") == 1, run.stderr
        assert old.read_text() == "old" and sorted(p.name for p in full.iterdir()) == ["filler", "old.json"]
    finally:
        for _ in range(20):
            if subprocess.run(["umount", str(full)], check=False).returncode == 0:
                break
            time.sleep(0.2)

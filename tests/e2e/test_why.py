# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`why` names the root and the last holder of what programs keep, each in its own way."""
import concurrent.futures
import contextlib
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

import harness
import pytest
import pythons

WHY = os.path.join(pythons.ZOO, "why")
HANDFUL = ("module_dict", "closure_cell", "generator_frame", "exception_traceback", "cycle_gc_disabled",
           "asyncio_tasks", "slots")  # fmt: skip


def programs():
    names = sorted(os.path.basename(f)[:-3] for f in glob.glob(WHY + "/*.py"))
    return [n for n in names if n != "held"]


def truth(program):
    marks = {"TYPE": [], "ROOT": [], "LAST": []}
    with open(os.path.join(WHY, program + ".py")) as f:
        for line in f:
            word = line[2:6]
            if line.startswith("# ") and word in marks:
                marks[word].append(line[7:].strip())
    return marks


def build_extension(into):
    """The one program that needs C; only for the interpreter whose headers are installed."""
    subprocess.run(["gcc", "-shared", "-fPIC", "-I/usr/include/python3.11", "-o", into + "/retain.so",
                    os.path.join(WHY, "retain.c")], check=True)  # fmt: skip


@contextlib.contextmanager
def running(python, program, extensions="/"):
    """A program of the folder, started and waiting."""
    here, there = python.temp()
    stem = "pyleak-why-%d-%s" % (os.getpid(), next(tempfile._get_candidate_names()))
    where = "/opt/pyleak-zoo/why" if python.root else WHY
    command = [python.path, "-B", "%s/%s.py" % (where, program), there + "/" + stem]
    if python.root:
        command = ["chroot", python.root] + command
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, "PYTHONPATH": extensions})  # fmt: skip
        try:
            end = time.monotonic() + 60
            while not os.path.exists(os.path.join(here, stem)):
                if process.poll() is not None or time.monotonic() > end:
                    output.seek(0)
                    raise RuntimeError("%s: %r" % (program, output.read()[-800:]))
                time.sleep(0.02)
            yield process
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(here, stem))


def ask(pid, *args):
    run = subprocess.run([harness.TOOL, "why", "-p", str(pid), "--watch", "0", "--json", "-", *args],
                         capture_output=True, text=True, timeout=120)  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def judge(python, program, extensions):
    """Sentences about what is wrong with the answer."""
    marks = truth(program)
    with running(python, program, extensions) as process:
        answer = ask(process.pid, "--type", marks["TYPE"][0])
        if process.poll() is not None:
            return "the program died"
    best = answer["paths"][0]
    first, _, rest = best["path"].partition(" → ")
    if not any(root in first for root in marks["ROOT"]):
        return "root: " + best["path"]
    if not any(last in part for last in marks["LAST"] for part in (rest, first, "→ " + rest)):
        return "last holder: " + best["path"]
    # A newcomer or two may be caught on its way.
    if best["share"] < 0.95 or answer["objects"] < 1:
        return "share %s of %s: %s" % (best["share"], answer["objects"], best["path"])
    return None


def install(python):
    if not python.root:
        return
    target = python.root + "/opt/pyleak-zoo/why"
    os.makedirs(target, exist_ok=True)
    for src in glob.glob(WHY + "/*.py"):
        tmp = "%s/.%s.%d" % (target, os.path.basename(src), os.getpid())
        shutil.copyfile(src, tmp)
        os.replace(tmp, os.path.join(target, os.path.basename(src)))


def check(python, names, extensions="/"):
    install(python)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = dict(zip(names, pool.map(lambda n: judge(python, n, extensions), names)))
    return {k: v for k, v in wrong.items() if v}


def test_every_way_to_keep(tmp_path):
    build_extension(str(tmp_path))
    assert check(pythons.host(), programs(), str(tmp_path)) == {}


def with_gil():
    return [p for p in pythons.others() if not p.name.endswith("t")]


@pytest.mark.parametrize("python", with_gil(), ids=lambda p: p.name)
def test_other_pythons(python, full):
    if not full and not python.root:
        pytest.skip("pyenv's: in the full matrix")
    names = [n for n in programs() if n != "c_static"] if full else HANDFUL
    assert check(python, names) == {}


def test_address_and_graph(tmp_path):
    """One object by its address, and the paths as a graph."""
    with running(pythons.host(), "module_dict") as process:
        by_type = ask(process.pid, "--type", "__main__.Leaked")
        address = by_type["paths"][0]["steps"][-1]["address"]
        dot = str(tmp_path / "paths.dot")
        one = ask(process.pid, "--addr", address, "--dot", dot)
    assert by_type["objects"] == 300
    assert one["objects"] == 1
    assert "REGISTRY" in one["paths"][0]["path"]
    with open(dot) as f:
        text = f.read()
    assert text.startswith("digraph") and "REGISTRY" in text and text.count("{") == text.count("}")


def test_growing_container():
    """A container on the path that grows between two looks is told by its rate."""
    program = ("import sys,time\nclass Leaked: pass\nSINK=[]\nopen(sys.argv[1],'w').write('x')\n"
               "while True:\n SINK.append(Leaked()); time.sleep(0.002)\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as d:
        path = d + "/ready"
        process = subprocess.Popen([pythons.HOST, "-c", program, path])
        try:
            end = time.monotonic() + 60
            while not os.path.exists(path) and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(0.5)
            answer = ask(process.pid, "--type", "Leaked", "--watch", "2")
        finally:
            process.kill()
            process.wait()
    growing = [s for s in answer["paths"][0]["steps"] if s["growth_per_s"] > 0]
    assert [s["type"] for s in growing] == ["list"], answer["paths"][0]


def test_what_is_not_there():
    with running(pythons.host(), "module_dict") as process:
        run = subprocess.run([harness.TOOL, "why", "-p", str(process.pid), "--type", "NoSuch"],
                             capture_output=True, text=True, timeout=60)  # fmt: skip
    assert run.returncode == 1
    assert "no object of type NoSuch" in run.stderr

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
import jsonschema
import pytest
import pythons

WHY = os.path.join(pythons.ZOO, "why")
with open(os.path.join(harness.TOP, "docs", "why.schema.json"), encoding="utf-8") as schema:
    SCHEMA = json.load(schema)
# And a module's dict: of that each Python is asked in test_snapshot.py.
HANDFUL = ("closure_cell", "generator_frame", "generator_over", "exception_traceback",
           "cycle_gc_disabled", "asyncio_tasks", "slots", "id_lru", "attributes_many")  # fmt: skip


def programs():
    names = sorted(os.path.basename(f)[:-3] for f in glob.glob(WHY + "/*.py"))
    return [n for n in names if n != "held"]


def truth(program):
    marks = {"TYPE": [], "ROOT": [], "LAST": [], "REMARK": []}
    with open(os.path.join(WHY, program + ".py")) as f:
        for line in f:
            word, _, rest = line[2:].partition(" ")
            if line.startswith("# ") and word in marks:
                marks[word].append(rest.strip())
    return marks


def build_extension(into, source=os.path.join(WHY, "retain.c")):
    """The one program that needs C; only for the interpreter whose headers are installed."""
    subprocess.run(["gcc", "-shared", "-fPIC", "-I/usr/include/python3.11", "-o", into + "/retain.so", source],
                   check=True)  # fmt: skip


EACH = 300  # objects of a program, as held.py has it
# Several programs in one process, each a module and a thread that stays where the program is ready.
TOGETHER = """
import asyncio, sys, threading, time, types
ready, where, *names = sys.argv[1:]
sys.path.insert(0, where)
import held
said = threading.Semaphore(0)
def stay():
    said.release()
    while not asyncio._get_running_loop():
        time.sleep(100)
held.ready = stay
def run(name):
    module = sys.modules[name] = types.ModuleType(name)
    with open("%s/%s.py" % (where, name)) as f:
        exec(compile(f.read(), name, "exec"), module.__dict__)
for name in names:
    threading.Thread(target=run, args=(name,)).start()
    said.acquire()
open(ready, "w").close()
time.sleep(10000)
"""


@contextlib.contextmanager
def running(python, *programs, extensions="/", allocator="default"):
    """A program of the folder, or several together, started and waiting."""
    here, there = python.temp()
    stem = "pyleak-why-%d-%s" % (os.getpid(), next(tempfile._get_candidate_names()))
    where = "/opt/pyleak-zoo/why" if python.root else WHY
    if len(programs) == 1:
        command = [python.path, "-B", "%s/%s.py" % (where, programs[0]), there + "/" + stem]
    else:
        command = [python.path, "-B", "-c", TOGETHER, there + "/" + stem, where, *programs]
    if python.root:
        command = ["chroot", python.root] + command
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, "PYTHONPATH": extensions,
                                        "PYTHONMALLOC": allocator})  # fmt: skip
        try:
            end = time.monotonic() + 60
            while not os.path.exists(os.path.join(here, stem)):
                if process.poll() is not None or time.monotonic() > end:
                    output.seek(0)
                    raise RuntimeError("%s: %r" % (programs, output.read()[-800:]))
                time.sleep(0.02)
            yield process
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(here, stem))


def why(*args):
    return subprocess.run([harness.TOOL, "why", *map(str, args)], capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip


def ask(pid, *args):
    run = why("-p", pid, "--watch", "0", "--json", "-", *args)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(answer)
    return answer


def judge(python, program, extensions="/", allocator="default"):
    """Sentences about what is wrong with the answer."""
    marks = truth(program)
    with running(python, program, extensions=extensions, allocator=allocator) as process:
        answer = ask(process.pid, "--type", marks["TYPE"][0])
        if process.poll() is not None:
            return "the program died"
    return judge_path(marks, answer["paths"][0], answer)


def judge_path(marks, best, answer, of=1):
    """The program has this part of the objects."""
    first, _, rest = best["path"].partition(" → ")
    if not any(root in first for root in marks["ROOT"]):
        return "root: " + best["path"]
    if not any(last in part for last in marks["LAST"] for part in (rest, first, "→ " + rest)):
        return "last holder: " + best["path"]
    if marks["REMARK"] and marks["REMARK"][0] not in (best["remark"] or ""):
        return "remark: %s" % best["remark"]
    # A newcomer or two may be caught on its way.
    if best["share"] < 0.95 * of or answer["objects"] < 1:
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


def check_together(python, names):
    """One process has all these programs, and one answer their paths, by the names of their modules."""
    install(python)
    wrong = {}
    with running(python, *names) as process:
        answer = ask(process.pid, "--type", "Leaked", "--top", 100)
    for name in names:
        marks = truth(name)
        own = {"module " + name: "module __main__", "(%s." % name: "(__main__.", "(class %s." % name: "(class __main__."}
        paths = [p for p in answer["paths"] if p["root"] == marks["ROOT"][0] or p["path"].startswith("module %s ::" % name)]
        for path in paths[:1]:
            for there, alone in own.items():
                path["path"] = path["path"].replace(there, alone)
            wrong[name] = judge_path(marks, path, answer, EACH / answer["objects"])
        if not paths:
            wrong[name] = "no path"
    return {k: (v, [p["path"] for p in answer["paths"]]) for k, v in wrong.items() if v}


def test_every_way_to_keep(tmp_path, full):
    """In the core set those are together that a module holds: they do nothing to the others."""
    build_extension(str(tmp_path))
    marks = {name: truth(name) for name in programs()}
    held = [n for n, m in marks.items() if len(m["ROOT"]) == 1 and m["ROOT"][0].startswith("module __main__")]
    together = [n for n in held if marks[n]["TYPE"] == ["Leaked"]]
    assert len(together) > 20 and check_together(pythons.host(), together) == {}
    alone = [n for n in marks if full or n not in together]
    assert check(pythons.host(), alone, str(tmp_path)) == {}


WITH_CTYPES = ("cycle_pinned", "cycle_through_c", "missing_decref")


@pytest.mark.parametrize("python", pythons.params(pythons.debian_roots())[1:])
def test_other_pythons(python, full):
    assert check_together(python, HANDFUL) == {}
    if full:
        left_out = ("c_static", *WITH_CTYPES) if python.is_musl else ("c_static",)
        assert check(python, [n for n in programs() if n not in left_out]) == {}


LEFTOVERS = [(pythons.host(), "default"), (pythons.host(), "debug"), (pythons.host(), "malloc_debug")]
LEFTOVERS += [(p, a) for p in pythons.free_threaded() for a in ("default", "debug")]


@pytest.mark.parametrize("python, allocator", LEFTOVERS, ids=lambda x: getattr(x, "name", x))
def test_the_end_of_a_list(python, allocator):
    """Where the items begin in their block depends on the allocator and on the GIL."""
    assert judge(python, "list_leftovers", "/", allocator) is None


@pytest.mark.parametrize("python", [p for p in pythons.debian_roots() if p.minor >= 13] + pythons.free_threaded(), ids=lambda p: p.name)
def test_a_hash_in_mimalloc_is_no_reference(python):
    """Its blocks are larger than the keys of a dict that lie in them."""
    install(python)
    assert judge(python, "id_lru", allocator="mimalloc") is None


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
    refuse_anything_else(by_type)


def refuse_anything_else(answer):
    """The schema does."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    step = answer["paths"][0]["steps"][0]
    for where, key, value in ((answer, "surprise", 1), (answer, "objects", -1), (answer["paths"][0], "root", "magic"),
                              (step, "address", "7f00"), (step, "edge", "thread")):  # fmt: skip
        before = where.get(key)
        where[key] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(answer)
        where[key] = before
        if before is None:
            del where[key]


UNTOUCHED = """import ctypes, time
class T: pass
calloc = ctypes.CDLL(None).calloc
calloc.restype, calloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2
t = T()
t.memory = calloc(1, 2 << 30)
print(1, flush=True)
time.sleep(1000)
"""


def page_tables(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(next(line for line in f if line.startswith("VmPTE:")).split()[1]) << 10


def test_memory_that_was_never_touched_stays_so():
    """Reading a page that is not there makes the kernel note that it is zeros: 2 MiB of notes for each GiB."""
    with subprocess.Popen(["/usr/bin/python3", "-I", "-c", UNTOUCHED], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.read(1) == b"1"
            before = page_tables(process.pid)
            answer = ask(process.pid, "--type", "__main__.T")
            assert answer["paths"][0]["root"] == "module"
            assert page_tables(process.pid) - before < 2 << 20
        finally:
            process.kill()


def report_with(path, *processes, ended_at="2100-01-01T00:00:00Z"):
    """A report of processes (pid, [(id of a site, its types)]), as far as `why` looks at it."""
    with open(os.path.join(harness.TOP, "tests", "golden", "report.json")) as f:
        report = json.load(f)
    model = report["processes"][0]
    site = next(s for s in model["sites"] if s["types"])
    report["host"]["hostname"] = os.uname().nodename
    report["ended_at"] = ended_at
    report["processes"] = [
        {**model, "pid": pid, "sites": [{**site, "id": i, "types": [{"name": t, "share": 1} for t in types]}
                                        for i, types in sites]} for pid, sites in processes]  # fmt: skip
    with open(path, "w") as f:
        json.dump(report, f)
    return path


def test_site_of_a_report(tmp_path):
    leaked, other = "0123456789abcdef", "0123ffffffffffff"
    with running(pythons.host(), "module_dict") as process:
        one = report_with(str(tmp_path / "one"), (process.pid, [(leaked, ["__main__.Leaked"]), (other, [])]))
        two = report_with(str(tmp_path / "two"), (1, [(leaked, ["__main__.Leaked"])]),
                          (process.pid, [(leaked, ["__main__.Leaked"])]))  # fmt: skip
        answers = [ask(process.pid, "--site", leaked[:5], "--from", f) for f in (one, two)]
        old = report_with(str(tmp_path / "old"), (process.pid, [(leaked, ["__main__.Leaked"])]), ended_at="2020-01-01T00:00:00Z")
        with open(one) as f:
            elsewhere = json.load(f)
        elsewhere["host"]["hostname"] = "elsewhere"
        foreign = tmp_path / "foreign"
        foreign.write_text(json.dumps(elsewhere))
        answers.append(ask(process.pid, "--site", leaked, "--from", str(foreign)))
        # The report knows the process.
        alone = why("--site", leaked, "--from", one, "--watch", "0", "--json", "-")
        wrong = [
            (why("-p", process.pid, "--site", leaked), 2, "--from REPORT.json"),
            (why("-p", process.pid, "--site", "x12", "--from", one), 2, "0-9a-f"),
            (why("-p", process.pid, "--site", "012", "--from", one), 1, "several that begin so"),
            (why("-p", process.pid, "--site", "ab", "--from", one), 1, "no site ab"),
            (why("-p", process.pid, "--site", other, "--from", one), 1, "no Python objects of a known type"),
            (why("--site", leaked, "--from", two), 1, "which? -p"),
            (why("--site", leaked, "--from", foreign), 1, "on elsewhere, and this is"),
            (why("--site", leaked, "--from", old), 1, "was started after"),
            (why("-p", process.pid, "--site", leaked, "--from", old), 1, "was started after"),
            (why("-p", process.pid, "--site", leaked, "--from", harness.TOOL), 1, "from a report"),
        ]
    for answer in answers:
        assert answer["objects"] == 300 and "REGISTRY" in answer["paths"][0]["path"]
        assert answer["what"] == "__main__.Leaked, the most frequent type of site %s" % leaked
    assert alone.returncode == 0 and json.loads(alone.stdout)["objects"] == 300
    for run, code, word in wrong:
        assert run.returncode == code and word in run.stderr and run.stderr.count("\n") == 1, (word, run)


def test_a_line_with_sites_of_two_kinds(tmp_path):
    """LEAKED.append(open(p)) is a site of objects and one of descriptors, with one id."""
    leaked, opened, block = "0123456789abcdef", "fedcba9876543210", "b10c000000000000"
    with running(pythons.host(), "module_dict") as process:
        path = report_with(str(tmp_path / "r"), (process.pid, [(leaked, ["file /tmp/x"]), (leaked, ["__main__.Leaked"]),
                                                               (leaked, []), (opened, ["file /tmp/x"]), (block, [])]))  # fmt: skip
        with open(path) as f:
            report = json.load(f)
        for i, kind in ((0, "fd"), (2, "heap"), (3, "fd"), (4, "heap")):
            report["processes"][0]["sites"][i]["kind"] = kind
        with open(path, "w") as f:
            json.dump(report, f)
        assert ask(process.pid, "--site", leaked, "--from", path)["what"].startswith("__main__.Leaked, the most frequent type of")
        run = why("-p", process.pid, "--site", opened, "--from", path)
        of_c = why("-p", process.pid, "--site", block, "--from", path)
        report["processes"][0]["sites"][4]["held_by"] = None
        with open(path, "w") as f:
            json.dump(report, f)
        nobodys = why("-p", process.pid, "--site", block, "--from", path)
    assert run.returncode == 1 and "no Python objects of a known type" in run.stderr, run
    assert "site %s is of descriptors" % opened in run.stderr
    assert of_c.returncode == 1 and "memory of C code, not of objects" in of_c.stderr, of_c
    assert "itself says who holds it" in of_c.stderr and "does not say who holds it" in nobodys.stderr, (of_c, nobodys)


def test_growing_container():
    """A container on the path that grows between two looks is told by its rate."""
    program = ("import sys,time\nclass Leaked: pass\nSINK=[]\nopen(sys.argv[1],'w').write('x')\n"
               "while True:\n SINK.append(Leaked()); time.sleep(0.002)\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as d:
        path = d + "/ready"
        process = subprocess.Popen([pythons.HOST, "-c", program, path])
        try:
            harness.wait_file(path, process)
            time.sleep(0.5)
            answer = ask(process.pid, "--type", "Leaked", "--watch", "2")
        finally:
            process.kill()
            process.wait()
    growing = [s for s in answer["paths"][0]["steps"] if s["growth_per_s"] > 0]
    assert [s["type"] for s in growing] == ["list"], answer["paths"][0]


MOVING = """
import sys, time
class Leaked: pass
HEAP = [[float(i), (i, i + 1)] for i in range(150000)]
SINK = [Leaked() for _ in range(50000)]
BY_ID = {i: Leaked() for i in range(50000)}
print("ready", flush=True)
while True:
    for _ in range(100):
        SINK.append(Leaked())
        BY_ID[len(BY_ID)] = Leaked()
    if len(SINK) > 400000:
        del SINK[50000:]
        BY_ID = dict(list(BY_ID.items())[:50000])
    time.sleep(0.0005)
"""


@pytest.mark.quiet
def test_containers_that_move(full):
    """Objects of a list and a dict that grow, are cut, and are made anew while the heap is read are held by these, or it is not
    known by whom; they are not told as nobody's."""
    with subprocess.Popen([pythons.HOST, "-c", MOVING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        answers = [ask(process.pid, "--type", "Leaked") for _ in range(8 if full else 4)]
        process.kill()
    told = [{root: sum(p["share"] for p in a["paths"] if p["root"] == root) for root in ("module", "unreferenced", "cycle")}
            for a in answers]  # fmt: skip
    print(told)
    # None of 28 had more than 4 %.
    assert sorted(t["unreferenced"] + t["cycle"] for t in told)[-2] < 0.2
    assert sorted(t["module"] for t in told)[len(told) // 2] > 0.6


def test_snapshot(tmp_path):
    """The same path without the process."""
    saved = str(tmp_path / "heap.snapshot")
    with running(pythons.host(), "generator_frame") as process:
        live = ask(process.pid, "--type", "Leaked")
        run = subprocess.run([harness.TOOL, "census", "-p", str(process.pid), "--save", saved],
                             capture_output=True, text=True, timeout=120)  # fmt: skip
        assert run.returncode == 0, run.stderr
    run = subprocess.run([harness.TOOL, "why", "--from", saved, "--type", "Leaked", "--json", "-"],
                         capture_output=True, text=True, timeout=120)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["paths"][0]["path"] == live["paths"][0]["path"]


LIAR = """
import collections, gc, json, signal, sys
class Session: pass
class Plain: __slots__ = ("a",)
L = [Session() for i in range(1000)]
D = {i: Session() for i in range(1000)}
Q = collections.deque(Session() for i in range(1000))
S = {(i, Session()) for i in range(1000)}
T = tuple(L)
def gen():
    x = Session()
    yield x
G = gen(); next(G)
P = [Plain() for i in range(100)]
try:
    raise ValueError(Session())
except ValueError as e:
    E = e
o = gc.get_objects()
names = "L D Q S T G Session Plain E".split()
addresses = {n: id(globals()[n]) for n in names}
addresses["P"] = [id(p) for p in P]
addresses["traceback"] = id(E.__traceback__)
del o
with open(sys.argv[1] + ".part", "w") as f:
    json.dump(addresses, f)
import os
os.rename(sys.argv[1] + ".part", sys.argv[1])
signal.pause()
"""
FAR = (1 << 60) - 1


def lies(a):
    """(address, word): what is written over the process while it sleeps, in turns."""
    return [
        [(a["L"] + 16, FAR), (a["L"] + 32, FAR)],  # a length beyond all memory
        [(a["L"] + 24, a["L"])],  # items: itself
        [(a["D"] + 32, a["D"])],  # keys: itself
        [(a["Q"] + 40, 0), (a["Q"] + 48, FAR), (a["Q"] + 32, 8)],  # a deque without an end
        [(a["S"] + 32, FAR), (a["S"] + 40, a["S"])],
        [(a["T"] + 16, FAR)],
        [(a["T"] + 24 + 8 * i, a["T"]) for i in range(50)],  # holds itself
        [(a["G"] + 80 + 64, 0x7FFFFFFF)],  # the top of a frame's stack
        [(a["traceback"] + 16, a["traceback"])],  # tb_next: itself
        [(a["Session"] + 24, 1), (a["Session"] + 256, a["Session"])],  # name; base: itself
        [(a["Session"] + 32, FAR), (a["Session"] + 288, FAR)],  # sizes
        [(a["Session"] + 168, FAR)],  # flags: everything at once
        [(p + 8, q) for p, q in zip(a["P"], a["P"][1:])],  # an object as a type
        [(a["L"] - 16, a["L"] - 16), (a["D"] - 16, a["D"] - 16)],  # lists of the collector: loops
        [((p & ~16383) + 8, p) for p in a["P"]],  # free list of a pool: through the living
        [(p - 16, p - 16) for p in a["P"]],  # a free block that follows itself
        [((p & ~16383) + 36, FAR) for p in a["P"]],  # size classes
    ]


def test_liars(tmp_path, full):
    """A process whose lengths, links and types lie: an answer or a refusal, soon, in little memory."""
    kinds = ("Session", "dict", "str")
    ready = str(tmp_path / "ready")
    process = subprocess.Popen([pythons.HOST, "-c", LIAR, ready])
    try:
        harness.wait_file(ready, process)
        with open(ready) as f:
            steps = lies(json.load(f))
        time.sleep(0.3)
        with open("/proc/%d/mem" % process.pid, "r+b", buffering=0) as memory:
            for n, step in enumerate(steps):
                for address, word in step:
                    with contextlib.suppress(OSError):
                        memory.seek(address)
                        memory.write(word.to_bytes(8, "little"))
                # A lie stays: in the next two turns, each of two lies, the other kinds meet it.
                if not full and n % 2 == 0 and n < len(steps) - 1:
                    continue
                for kind in kinds if full or n == len(steps) - 1 else kinds[n // 2 % 3 :][:1]:
                    run = subprocess.run(
                        ["/bin/sh", "-c", "ulimit -v 1500000; exec \"$@\"", "-", harness.TOOL, "why", "-p",
                         str(process.pid), "--type", kind, "--watch", "0", "--dot", os.devnull],
                        capture_output=True, text=True, timeout=90, errors="replace")  # fmt: skip
                    assert run.returncode in (0, 1), (step, kind, run.stderr)
                    assert run.returncode == 0 or run.stderr.strip(), (step, kind)
    finally:
        process.kill()
        process.wait()


def test_a_heap_for_which_there_is_no_room():
    """Nothing of this machine has to end for an answer: there is none, and the reason is said."""
    program = "import time; HEAP = [float(i) for i in range(1500000)]; print('ready', flush=True); time.sleep(900)"
    with subprocess.Popen([pythons.HOST, "-c", program], stdout=subprocess.PIPE, text=True) as target:
        assert target.stdout.readline() == "ready\n"
        runs = [subprocess.run(["/bin/sh", "-c", 'ulimit -d %d; exec "$@"' % (mib << 10), "-", harness.TOOL, "why", "-q", "-p",
                                str(target.pid), "--type", "float", "--watch", "0"], capture_output=True, text=True, timeout=90)
                for mib in (64, 600)]  # fmt: skip
        target.kill()
    assert runs[0].returncode == 1 and "its heap has too many blocks" in runs[0].stderr, runs[0].stderr
    assert runs[1].returncode == 0 and "HEAP" in runs[1].stdout, runs[1].stderr


def test_what_is_not_there():
    with running(pythons.host(), "module_dict") as process:
        run = subprocess.run([harness.TOOL, "why", "-p", str(process.pid), "--type", "NoSuch"],
                             capture_output=True, text=True, timeout=60)  # fmt: skip
        near = subprocess.run([harness.TOOL, "why", "-p", str(process.pid), "--type", "Dictt"],
                              capture_output=True, text=True, timeout=60)  # fmt: skip
    assert run.returncode == near.returncode == 1
    assert run.stderr.endswith("no object of type NoSuch: pyleak-bpf census -p %d lists the types\n" % process.pid)
    assert near.stderr.endswith("no object of type Dictt; did you mean --type dict?\n")

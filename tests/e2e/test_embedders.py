# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs in C that hold a Python: a debugger, servers, and one whose library an upgrade has replaced."""
import glob
import os
import py_compile
import shutil
import subprocess

import pytest

import apache
import harness
import native_ext
import pythons
import zoo

SCRIPT = os.path.join(pythons.HERE, "native", "embedded.py")
LIBRARY = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"
GDB, UWSGI = "/usr/bin/gdb", "/usr/bin/uwsgi_python3"
SCRIPT_IN_APACHE = "WSGIImportScript %s process-group=%%{GLOBAL} application-group=%%{GLOBAL}\n" % SCRIPT


class Embedder:
    """Stands for an interpreter to harness.Target."""

    root, free_threaded, minor = "", False, 11
    needs = (GDB,)

    def __init__(self, where):
        self.where = str(where)
        self.environment = {}

    def zoo_file(self, program):
        return pythons.host().zoo_file(program)

    def temp(self):
        return self.where, self.where

    def command(self, program, args):
        command = self.start()
        pairs = {"PROGRAM": self.zoo_file(program), "ARGUMENTS": " ".join(args), "PYTHONDONTWRITEBYTECODE": "1",
                 **self.environment}  # fmt: skip
        return ["/usr/bin/env", *("%s=%s" % p for p in pairs.items()), *command]

    def start(self):
        return [GDB, "-q", "-nx", "-batch", "-ex", "python exec(open(%r).read())" % SCRIPT]

    def when_ready(self):
        """Is called before it is watched."""


class Gdb(Embedder):
    name = "gdb"


class Upgraded(Embedder):
    """Runs a libpython that is no file any more."""

    name = "deleted-libpython"
    needs = (GDB, LIBRARY)

    def start(self):
        shutil.copy(LIBRARY, self.where)
        self.environment["LD_LIBRARY_PATH"] = self.where
        return super().start()

    def when_ready(self):
        os.unlink(os.path.join(self.where, os.path.basename(LIBRARY)))


class Uwsgi(Embedder):
    name = "uwsgi"
    needs = (UWSGI,)

    def start(self):
        return [UWSGI, "--http-socket", "127.0.0.1:%d" % harness.free_port(), "--pyrun", SCRIPT]


class ModWsgi(Embedder):
    """Apache as one process, which keeps its modules in it."""

    name = "mod_wsgi"
    needs = apache.NEEDS

    def start(self):
        self.environment["IN_THREAD"] = "1"
        return apache.command(self.where, harness.free_port(), SCRIPT_IN_APACHE, "-X")


class Bundle(Embedder):
    """As PyInstaller's: a program that opens a libpython which it has unpacked to a temporary folder, and runs compiled code."""

    name = "bundle"
    needs = (LIBRARY,)

    def start(self):
        shutil.copy(LIBRARY, self.where)
        program = os.path.join(self.where, "bundle")
        subprocess.run(["gcc", "-O2", "-s", "-o", program, os.path.join(pythons.HERE, "native", "bundle.c")], check=True)
        compiled = os.path.join(self.where, "embedded.pyc")
        py_compile.compile(SCRIPT, compiled, doraise=True)
        return [program, os.path.join(self.where, os.path.basename(LIBRARY)), compiled]


@pytest.fixture
def where():
    path = "/tmp/pyleak-embedder-%d" % os.getpid()
    os.makedirs(path)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("kind", [Upgraded, *(pytest.param(k, marks=pytest.mark.matrix) for k in (Gdb, Uwsgi, ModWsgi, Bundle))],
                         ids=lambda k: k.name)  # fmt: skip
def test_embedder(where, kind):
    missing = [f for f in kind.needs if not os.path.exists(f)]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))
    embedder = kind(where)
    with harness.Target(embedder, "dicts", harness.GENTLE) as target:
        target.wait_ready()
        embedder.when_ready()
        run = harness.run_tool(target.pid, 20)
        result = harness.judge(run, target, zoo.PROGRAMS["dicts"], embedder.name)
    print(harness.row(result))
    assert result.ok, (result.problems, run.stdout[-3000:])


@pytest.mark.matrix
@pytest.mark.parametrize("how", ["-pie", "-no-pie"])
def test_births_in_the_program(where, how):
    """In 3.8 a program contains the births of its own types."""
    libraries = glob.glob(os.path.expanduser("~/.pyenv/versions/3.8.*/lib/libpython3.8.so.1.0"))
    if not libraries:
        pytest.skip("no shared library of 3.8 here")
    lib, program = os.path.dirname(libraries[0]), os.path.join(where, "nodes")
    source, script = (os.path.join(pythons.HERE, "native", "nodes" + end) for end in (".c", ".py"))
    subprocess.run(["gcc", "-O2", "-f" + how[1:], how, "-I", lib + "/../include/python3.8", "-o", program, source,
                    "-L", lib, "-lpython3.8", "-Wl,-rpath," + lib], check=True)  # fmt: skip
    target = subprocess.Popen([program, "-B", script], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONHOME": os.path.dirname(lib)})  # fmt: skip
    try:
        assert target.stdout.readline() == "ready\n"
        run = harness.run_tool(target.pid, 10)
    finally:
        target.kill()
        target.wait()
    assert run.rc == 0, run.stderr
    lines = [f["line"] for site in run.report["processes"][0]["sites"][:1] for f in site["stack"] if f["file"] == script]
    assert lines[:1] == [native_ext.line_of(script, "# KEPT")], run.stdout[-3000:]

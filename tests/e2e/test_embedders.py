# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs in C that hold a Python: a debugger, servers, and one whose library an upgrade has replaced."""
import os
import py_compile
import shutil
import subprocess

import pytest

import apache
import harness
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
    with harness.Target(embedder, "dicts") as target:
        target.wait_ready()
        embedder.when_ready()
        run = harness.run_tool(target.pid, 20)
        result = harness.judge(run, target, zoo.PROGRAMS["dicts"], embedder.name)
    print(harness.row(result))
    assert result.ok, (result.problems, run.stdout[-3000:])

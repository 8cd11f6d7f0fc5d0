# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The interpreters of this machine: the host's, those of other Debian suites, pyenv's."""
import dataclasses
import functools
import glob
import os
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ZOO = os.path.join(os.path.dirname(HERE), "zoo")
# A recording has the same paths wherever it was made.
RECORDS = "PYLEAK_TEST_RECORD" in os.environ
ROOTS = os.path.join(os.environ.get("PYLEAK_CACHE", "/var/tmp"), "pyleak-roots")
BUILDS = os.path.join(ROOTS, "builds")
HOST = "/usr/bin/python3.11"


@dataclasses.dataclass(frozen=True)
class Python:
    name: str
    path: str
    root: str = ""  # chroot here first
    borrows: bool = False  # packages of the Debian Python there

    @property
    def minor(self):
        return int(self.name.split("-")[1].split(".")[1].rstrip("t"))

    @property
    def free_threaded(self):
        return self.path.endswith("t")

    @property
    def is_musl(self):
        """Then there is no ctypes, as Debian has no libffi for it, no extension that is built for glibc, and free memory inside of its
        malloc, and objects of more than 512 bytes there, are not found."""
        return self.name.startswith("alpine-")

    def zoo_file(self, program):
        """The program's path as the interpreter sees it, there before any test needs it."""
        install_zoo(self)
        where = "/opt/pyleak-zoo" if self.root or RECORDS else ZOO
        return "%s/%s.py" % (where, program)

    def command(self, program, args):
        cmd = [self.path, "-B", self.zoo_file(program)] + args
        return ["chroot", self.root] + cmd if self.root else cmd

    def temp(self):
        """A directory both sides see: (path here, path there)."""
        return self.root + "/tmp", "/tmp"


@functools.cache
def install_zoo(python):
    """Copies the zoo into the root, once, and atomically per file: several runs may share the root."""
    if not python.root and not RECORDS:
        return
    target = python.root + "/opt/pyleak-zoo"
    os.makedirs(target, exist_ok=True)
    for src in glob.glob(ZOO + "/**/*.py", recursive=True):
        to = os.path.join(target, os.path.relpath(src, ZOO))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        tmp = "%s/.%s.%d" % (target, os.path.basename(src), os.getpid())
        shutil.copyfile(src, tmp)
        os.replace(tmp, to)


def host():
    return Python("debian-3.11", HOST)


@functools.cache
def debian_roots():
    found = []
    for suite, version in (("bullseye", "3.9"), ("trixie", "3.13"), ("sid", "3.14"), ("sid", "3.15")):
        root = os.path.join(ROOTS, suite)
        path = "/usr/bin/python" + version
        if os.path.exists(root + path):
            found.append(Python("debian-" + version, path, root))
    return found


def with_servers():
    """Those for which the servers of tests/services are installed: the host's, and the next suite's in a root of its own."""
    root = os.path.join(ROOTS, "services")
    return [host()] + [Python("debian-3.13", p, root) for p in ("/usr/bin/python3.13",) if os.path.exists(root + p)]


def free_threaded():
    """Built from source by nogil.sh: no Debian suite has them as packages."""
    paths = sorted(glob.glob(os.path.join(ROOTS, "nogil", "3.*t", "bin", "python3.*t")))
    return [Python("debian-" + path.split("/")[-3], path) for path in paths]


def builds():
    """Shapes that people run and Debian does not have, built from source by builds.sh."""
    # Without the GIL there is python3.14t beside python3.14: it comes later and stays.
    paths = sorted(glob.glob(os.path.join(BUILDS, "*-3.*", "bin", "python3.[0-9]*[0-9t]")))
    return [Python(name, path) for name, path in {path.split("/")[-3]: path for path in paths}.items()]


def builds_with_servers():
    """Docker's and uv's shapes beside a Debian Python of their version: what is built for that one can be imported by them."""
    root = {p.minor: p.root for p in with_servers()}
    found = [p for p in builds() if p.name.partition("-")[0] in ("docker", "uv") and not p.name.endswith("stripped")]
    return [dataclasses.replace(p, root=root[p.minor], borrows=True) for p in found if p.minor in root]


@functools.cache
def pyenv():
    found = []
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))):
        version = path.split("/")[-3]
        numbers = [int(x) for x in version.split(".") if x.isdigit()]
        if len(numbers) >= 2 and numbers >= [3, 8] and runs(path):
            found.append(Python("pyenv-" + version, path))
    return sorted(found, key=lambda p: [int(x) for x in p.name.split("-")[1].split(".")])


def runs(path):
    return subprocess.run([path, "-c", "pass"], capture_output=True, timeout=20).returncode == 0


def others():
    # Whether pyenv's run is found out by running them: not by each process of a run in which none of them has a test.
    return debian_roots() + free_threaded() + builds() + ([] if os.environ.get("PYLEAK_TEST_MATRIX") == "core" else pyenv())


def params(core):
    """Every interpreter for pytest.mark.parametrize: those in @core always, the others in the full matrix."""
    return [pytest.param(p, id=p.name, marks=() if p in core else pytest.mark.matrix) for p in [host()] + others()]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Jobs: programs with the libraries that notebooks and batches use, extensions built for the test, a debugger's Python."""
import os
import select
import subprocess

import harness
import native_ext
from service import MODULES, Service


class Asked(Service):
    """The process that was started last gets a number a line, and answers each with a line."""

    def environment(self):
        return {**super().environment(), "HOME": self.where, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def ask(self, app, *arguments):
        self.run(self.python.path, os.path.join(self.apps, app), *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def request(self, n):
        process = self.started[-1]
        print(n, file=process.stdin, flush=True)
        if not select.select([process.stdout], [], [], 30)[0] or not process.stdout.readline():
            raise OSError("no answer to %d" % n)


class Kernel(Asked):
    """A kernel of Jupyter; another process has it run cells."""

    name, app, planted = "ipykernel", "cell.py", ("cell",)
    needs = (MODULES + "ipykernel", MODULES + "jupyter_client")

    def start(self):
        connection = os.path.join(self.where, "kernel.json")
        # It keeps the signatures of 65,536 messages, which at this pace grow for half an hour.
        self.run(self.python.path, "-m", "ipykernel", "-f", connection, "--Session.digest_history_size=0")
        harness.wait_until(lambda: os.path.getsize(connection))
        self.ask("ask_kernel.py", connection)

    def leak(self):
        with open(self.truth_file + ".cell", encoding="utf-8") as f:
            return os.path.basename(f.read()), super().leak()[1]


class Grpc(Asked):
    """A server of gRPC; another process calls it."""

    name, app, planted = "grpc", "shop_grpc.py", ("call",)
    needs = (MODULES + "grpc",)

    def start(self):
        self.run(self.python.path, os.path.join(self.apps, self.app), self.port)
        self.ask("ask_grpc.py", self.port)


class Job(Asked):
    """A program that does jobs itself."""

    arguments = ()

    def start(self):
        self.ask(self.app, *self.arguments)


class Sqlalchemy(Job):
    name, app, planted = "sqlalchemy", "jobs_sqlalchemy.py", ("row",)
    needs = (MODULES + "sqlalchemy",)


class Sklearn(Job):
    name, app, planted = "sklearn", "jobs_sklearn.py", ("frame",)
    needs = (MODULES + "pandas", MODULES + "sklearn")


class Matplotlib(Job):
    name, app, planted = "matplotlib", "jobs_matplotlib.py", ("figure",)
    needs = (MODULES + "matplotlib",)
    rate = 4.0  # a figure takes some 30 ms, and has thousands of objects


class Pool(Job):
    name, app, planted = "pool", "jobs_pool.py", ("view",)
    needs = (MODULES + "numpy",)

    def pid(self):
        """The process that computes: another child looks after shared memory."""
        parent = self.started[0].pid
        with open("/proc/%d/task/%d/children" % (parent, parent), encoding="ascii") as f:
            for pid in map(int, f.read().split()):
                with open("/proc/%d/cmdline" % pid, "rb") as c:
                    if b"resource_tracker" not in c.read():
                        return pid
        return None


class Extension(Job):
    """A module is built first, where no other test that runs has its own."""

    tools = ()  # files that building needs

    @property
    def built(self):
        return os.path.join(self.where, "built")

    def environment(self):
        return {**super().environment(), "PYTHONPATH": self.apps + ":" + self.built}

    @property
    def includes(self):
        return "/usr/include/python3.%d" % self.python.minor

    @property
    def needs(self):
        return [*self.tools, self.includes + "/Python.h"]

    def source(self, name):
        return os.path.join(self.apps, name)

    def compile(self, compiler, source, module, *flags):
        path = os.path.join(self.built, module + ".so")
        self.call(compiler, *native_ext.PLAIN, *flags, "-I" + self.includes, "-o", path, source)

    def build(self):
        raise NotImplementedError

    def start(self):
        os.mkdir(self.built)
        self.build()
        super().start()


class Cython(Extension):
    name, app, arguments, planted = "cython", "jobs_native.py", ("shop_cython",), ("object",)
    tools = ("/usr/bin/cython3", "/usr/bin/gcc")

    def build(self):
        c = os.path.join(self.built, "shop_cython.c")
        self.call("/usr/bin/cython3", "-3", "-o", c, self.source("shop_cython.pyx"))
        self.compile("gcc", c, "shop_cython")


class Pybind11(Extension):
    name, app, arguments, planted = "pybind11", "jobs_native.py", ("shop_pybind11",), ("object", "new", "reference")
    lost = ("new", "reference")
    tools = ("/usr/include/pybind11/pybind11.h", "/usr/bin/g++")

    def build(self):
        self.compile("g++", self.source("shop_pybind11.cpp"), "shop_pybind11", "-std=c++17", "-fvisibility=hidden")


class Cffi(Extension):
    name, app, planted = "cffi", "jobs_cffi.py", ("object",)
    tools = (MODULES + "cffi", "/usr/bin/gcc")

    def build(self):
        c = os.path.join(self.built, "shop_cffi.c")
        self.call(self.python.path, "-B", self.source("build_cffi.py"), c)
        self.compile("gcc", c, "shop_cffi")


class Gdb(Service):
    """gdb on a small program, which sets the pace."""

    name, app, planted = "gdb", "gdb_stops.py", ("stop",)
    needs = ("/usr/bin/gdb", "/usr/bin/gcc")

    def start(self):
        loop, self.ready = os.path.join(self.where, "loop"), os.path.join(self.where, "ready")
        self.call("gcc", "-g", "-O0", "-o", loop, os.path.join(self.apps, "loop.c"))
        self.run("/usr/bin/gdb", "-q", "-nx", "-batch", "-x", os.path.join(self.apps, self.app), "--args", loop, self.ready)

    def answers(self):
        return os.path.exists(self.ready)

    def request(self, n):
        """The program that is debugged goes on by itself."""


ALL = (Kernel, Grpc, Sqlalchemy, Sklearn, Matplotlib, Pool, Cython, Pybind11, Cffi, Gdb)

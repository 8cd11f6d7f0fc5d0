# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A real server, started with or without a planted leak, under a paced load. A kind of server is a subclass: how it is
started, who of it is watched, what one request is."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import harness
import pythons

MODULES = "/usr/lib/python3/dist-packages/"
APPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps")
RATE = 40.0  # requests a second
WARM_S = 15  # of them, before it is watched
# As urllib asks, whose own work for a request is several times as much as most servers'.
REQUEST = (b"GET /?%d HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1:%d\r\n"
           b"User-Agent: Python-urllib/3.11\r\nConnection: close\r\n\r\n")  # fmt: skip
# In the root of another suite, with mounts of its own: what is in /tmp has the same path there, and so have the builds.
# $0: the root, $1: where to begin, $2: the folder of the builds.
INSIDE = """cd=$1
for d in /tmp "$2"; do
    [ ! -d "$d" ] || { mkdir -p "$0$d" && mount --bind "$d" "$0$d"; } || exit
done
shift 2
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" env -C "$cd" "$@"
"""


class Load(threading.Thread):
    """So many requests a second; what was missed is not made up for."""

    def __init__(self, request, rate):
        super().__init__(daemon=True)
        self.request, self.rate = request, rate
        self.stop = threading.Event()
        self.done = self.failed = 0

    def run(self):
        due = time.monotonic()
        while not self.stop.is_set():
            self.done += 1
            try:
                self.request(self.done)
            except (OSError, ValueError):
                self.failed += 1
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            self.stop.wait(max(0, due - time.monotonic()))


class Service:
    """Use `with`. @planted: the name of a leak, or "" for none."""

    name = ""
    app = ""  # of apps/, where the leaks are planted
    planted = ()  # those that it has
    needs = ()  # files of its package
    nowhere = {}  # of those whose objects no line makes, what the path to who holds them must have
    file = None  # as its frames say, where that is not the path of the app
    lost = ()  # of those: whose objects nobody points to any more
    rate = RATE

    def __init__(self, planted="", python=None, warm_s=WARM_S):
        self.which, self.warm_s = planted, warm_s
        self.python = python or pythons.host()
        # Servers give up being root: they have to reach what they serve.
        self.where = tempfile.mkdtemp(prefix="pyleak-service-%d-" % os.getpid(), dir="/tmp")
        os.chmod(self.where, 0o777)
        # Recordings have the same paths wherever they were made.
        self.apps = "/opt/pyleak-services" if pythons.RECORDS else os.path.join(self.where, "apps")
        apps = self.python.root + self.apps if pythons.RECORDS else self.apps
        shutil.copytree(APPS, apps, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for path in [apps, *glob.glob(apps + "/*")]:
            os.chmod(path, 0o755)
        self.truth_file = os.path.join(self.where, "truth")
        self.port = harness.free_port()
        self.started, self.load = [], None

    @property
    def missing(self):
        return [f for f in self.needs if not os.path.exists(self.python.root + f)]

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PLANTED": self.which, "TRUTH": self.truth_file,
                "PYTHONPATH": self.apps + (":" + MODULES if self.python.borrows else ""), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip

    def inside(self, command, where=None):
        """The command that runs this one where the service's files are."""
        command = [str(c) for c in command]
        if not self.python.root:
            return command
        return ["unshare", "--mount", "sh", "-c", INSIDE, self.python.root, where or self.where, pythons.BUILDS, *command]

    def call(self, *command, where=None, **more):
        """Its output. It has ended well."""
        with open(os.path.join(self.where, "log"), "a", encoding="utf-8") as log:
            return subprocess.run(self.inside(command, where), cwd=where or self.where, env=self.environment(), check=True,
                                  stdout=subprocess.PIPE, stderr=log, text=True, **more).stdout  # fmt: skip

    def run(self, *command, **popen):
        """In a session of its own, by which all of it is ended."""
        with open(os.path.join(self.where, "log"), "a", encoding="utf-8") as log:
            p = subprocess.Popen(self.inside(command), cwd=self.where, stderr=log, start_new_session=True,
                                 **{"stdin": subprocess.DEVNULL, "stdout": log, "env": self.environment(), **popen})  # fmt: skip
        self.started.append(p)
        return p

    def start(self):
        raise NotImplementedError

    def pid(self):
        """The process that is watched."""
        return self.started[0].pid

    def child(self, of=None):
        """The one child, or the first."""
        pid = of or self.started[0].pid
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            found = f.read().split()
        return int(found[0]) if found else None

    def request(self, n):
        with socket.create_connection(("127.0.0.1", self.port), 30) as s:
            s.sendall(REQUEST % (n, self.port))
            answer = b"".join(iter(lambda: s.recv(1 << 16), b""))
        if answer.split(b" ", 2)[1:2] != [b"200"] or b"\r\n\r\n" not in answer:
            raise OSError("answered %r" % answer[:200])

    def log(self):
        with open(os.path.join(self.where, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def answers(self):
        try:
            self.request(0)
            return True
        except OSError:
            return False

    def __enter__(self):
        try:
            self.start()
            harness.wait_until(lambda: self.answers() and self.pid(), 60)
            self.load = Load(self.request, self.rate)
            self.load.start()
            time.sleep(self.warm_s)
        except BaseException as e:
            text = self.log()
            self.close()
            raise RuntimeError("%s did not start: %s" % (self.name, text)) from e
        return self

    def close(self):
        if self.load:
            self.load.stop.set()
            self.load.join(35)
        for p in reversed(self.started):
            p.send_signal(signal.SIGTERM)
        for p in reversed(self.started):
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        shutil.rmtree(self.where, ignore_errors=True)

    def __exit__(self, *_):
        self.close()

    def truth(self, pid):
        try:
            with open("%s.%d" % (self.truth_file, pid), encoding="ascii") as f:
                return [json.loads(x) for x in f]
        except FileNotFoundError:
            return []

    def leak(self):
        """(file, line) of the planted leak."""
        with open(os.path.join(APPS, self.app), encoding="utf-8") as f:
            for n, text in enumerate(f, 1):
                found = re.search(r"(?:#|--) LEAK (\w+)(?: (\d+))?$", text.rstrip())
                if found and found.group(1) == self.which:
                    return self.file or self.app, int(found.group(2) or n)
        raise KeyError(self.which)

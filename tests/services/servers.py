# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The servers: Debian's packages, started as their owners do."""
import glob
import os
import subprocess
import threading

import apache
from service import APPS, MODULES, RATE, Service


class Gunicorn(Service):
    app = "shop_flask.py"
    planted = ("record",)
    worker, more = "sync", ()

    @property
    def needs(self):
        return ["/usr/bin/gunicorn", MODULES + "flask"]

    def start(self):
        self.run(self.python.path, "/usr/bin/gunicorn", "--worker-class", self.worker, "--workers", 1, "--bind",
                 "127.0.0.1:%d" % self.port, *self.more, self.app[:-3] + ":application")  # fmt: skip

    def pid(self):
        return self.child()


class GunicornSync(Gunicorn):
    name = "gunicorn-sync"


class GunicornThreads(Gunicorn):
    name, worker, more = "gunicorn-gthread", "gthread", ("--threads", 4)


class GunicornGevent(Gunicorn):
    name, worker = "gunicorn-gevent", "gevent"


class Uvicorn(Gunicorn):
    name, worker, app = "uvicorn", "uvicorn.workers.UvicornWorker", "shop_asgi.py"

    @property
    def needs(self):
        return ["/usr/bin/gunicorn", MODULES + "uvicorn", MODULES + "starlette"]


class Django(Gunicorn):
    name, app, planted = "django", "shop_django.py", ("receiver", "queryset")
    needs = ("/usr/bin/gunicorn", MODULES + "django")


class Uwsgi(Service):
    # Not environ: each thread of uwsgi has one dict, which it fills anew.
    name, app, planted = "uwsgi", "shop_wsgi.py", ("record",)
    needs = ("/usr/bin/uwsgi_python3",)

    def start(self):
        self.run("/usr/bin/uwsgi_python3", "--http-socket", "127.0.0.1:%d" % self.port, "--master", "--processes", 1,
                 "--threads", 2, "--disable-logging", "--die-on-term", "--pythonpath", self.apps, "--module", "shop_wsgi")  # fmt: skip

    def pid(self):
        return self.child()


class ModWsgi(Service):
    name, app, planted = "mod_wsgi", "shop_wsgi.py", ("record", "environ")
    needs = apache.NEEDS
    # The environ is made by C code, before any line of Python runs.
    nowhere = {"environ": ".requests (list"}
    DAEMON = """
WSGISocketPrefix {where}/wsgi
WSGIDaemonProcess shop processes=1 threads=4 display-name=(wsgi:shop) python-path={apps}
WSGIScriptAlias / {apps}/shop_wsgi.py process-group=shop application-group=%{{GLOBAL}}
<Directory {apps}>
Require all granted
</Directory>
"""

    def start(self):
        more = self.DAEMON.format(where=self.where, apps=self.apps)
        self.run(*apache.command(self.where, self.port, more, "-DFOREGROUND"))

    def pid(self):
        parent = self.started[0].pid
        with open("/proc/%d/task/%d/children" % (parent, parent), encoding="ascii") as f:
            for pid in map(int, f.read().split()):
                with open("/proc/%d/cmdline" % pid, "rb") as c:
                    if b"wsgi:shop" in c.read():
                        return pid
        return None


class Script(Service):
    """A program of its own that listens."""

    def start(self):
        self.run(self.python.path, os.path.join(self.apps, self.app), self.port)


class Aiohttp(Script):
    name, app, planted = "aiohttp", "shop_aiohttp.py", ("task",)
    needs = (MODULES + "aiohttp",)


class Tornado(Script):
    name, app, planted = "tornado", "shop_tornado.py", ("listener",)
    needs = (MODULES + "tornado",)


class Twisted(Script):
    name, app, planted = "twisted", "shop_twisted.py", ("deferred",)
    needs = (MODULES + "twisted",)


class Celery(Service):
    """One worker that was forked, with redis; another process asks."""

    name, app, planted = "celery", "tasks.py", ("invoice",)
    needs = ("/usr/bin/redis-server", MODULES + "celery", MODULES + "redis")

    def environment(self):
        return {**super().environment(), "REDIS_PORT": str(self.port), "C_FORCE_ROOT": "1"}

    def start(self):
        self.run("/usr/bin/redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "")
        self.run(self.python.path, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", 1,
                 "--loglevel", "WARNING")  # fmt: skip
        self.run(self.python.path, os.path.join(self.apps, self.app), RATE)

    def pid(self):
        return self.child(self.started[1].pid)

    def request(self, n):
        """The other process asks."""


class PlPython(Service):
    """The backend of one connection, with a function and a trigger in Python."""

    name, app, planted, file = "plpython", "plpython.sql", ("function", "trigger"), "<string>"
    # The rows that a trigger gets are made by C code.
    nowhere = {"trigger": "GD (dict"}

    @property
    def version(self):
        found = os.path.join(self.python.root + "/usr/lib/postgresql", "*")
        return os.path.basename(max(glob.glob(found), default="?"))

    @property
    def needs(self):
        return ["/usr/lib/postgresql/%s/bin/postgres" % self.version, "/usr/share/postgresql/%s/extension/plpython3u.control" % self.version]

    def start(self):
        data, programs = os.path.join(self.where, "data"), "/usr/lib/postgresql/%s/bin/" % self.version
        user = ["/usr/bin/setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        self.call(*user, programs + "initdb", "-D", data, "-A", "trust", "--no-sync")
        self.run(*user, programs + "postgres", "-D", data, "-k", self.where, "-c", "listen_addresses=", "-c", "fsync=off")
        self.psql = [*user, programs + "psql", "-X", "-q", "-A", "-t", "-h", self.where, "postgres"]
        self.lock, self.client, self.backend = threading.Lock(), None, None

    def connect(self):
        with open(os.path.join(APPS, self.app), encoding="utf-8") as f:
            text = f.read().replace("@PLANTED@", self.which).replace("@APPS@", self.apps)
        self.call(*self.psql, input=text)
        self.client = self.run(*self.psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.backend = int(self.ask("SELECT pg_backend_pid();"))

    def ask(self, text):
        with self.lock:
            self.client.stdin.write(text + "\n")
            self.client.stdin.flush()
            return self.client.stdout.readline()

    def answers(self):
        try:
            self.call(*self.psql, "-c", "SELECT 1")
        except subprocess.CalledProcessError:
            return False
        self.connect()
        return True

    def pid(self):
        return self.backend

    def request(self, n):
        self.ask("SELECT price(%d);" % n)
        with self.lock:
            self.client.stdin.write("INSERT INTO orders VALUES (%d, 'a note');\n" % n)
            self.client.stdin.flush()


ALL = (GunicornSync, GunicornThreads, GunicornGevent, Uvicorn, Django, Uwsgi, ModWsgi, Aiohttp, Tornado, Twisted, Celery, PlPython)

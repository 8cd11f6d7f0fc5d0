# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Daemons of Debian that are written in Python, each with a configuration and a folder of its own."""
import ftplib
import http.client
import os
import smtplib
import socket
import struct
import time
import urllib.request
import xmlrpc.client

import harness
from service import MODULES, Service


class Daemon(Service):
    """The leak is planted where a daemon lets its owner add code."""

    planted = ("record",)

    def environment(self):
        return {**super().environment(), "HOME": self.where}

    def path(self, *names):
        return os.path.join(self.where, *names)

    def write(self, text, *names):
        """A file of its folder, with what is its own filled in."""
        os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
        with open(self.path(*names), "w", encoding="ascii") as f:
            f.write(text.format(where=self.where, port=self.port, apps=self.apps))
        return self.path(*names)

    def fetch(self, path, data=None, headers=None, method=None):
        asked = urllib.request.Request("http://127.0.0.1:%d/%s" % (self.port, path), data, headers or {}, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            answer.read()


class Supervisor(Daemon):
    """One of its programs prints, one ends every second and is started anew."""

    name, app, needs = "supervisor", "shop_supervisor.py", ("/usr/bin/supervisord",)
    CONF = """
[supervisord]
nodaemon=true
logfile={where}/supervisord.log
pidfile={where}/supervisord.pid
childlogdir={where}
[inet_http_server]
port=127.0.0.1:{port}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=shop_supervisor:Shop
[program:prints]
command=/bin/sh -c "while :; do echo at work; sleep 0.2; done"
[program:ends]
command=/bin/sleep 1
startsecs=0
autorestart=true
"""
    ASKED = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo").encode()

    def start(self):
        self.run(self.python.path, "/usr/bin/supervisord", "-n", "-c", self.write(self.CONF, "supervisord.conf"))

    def request(self, n):
        self.fetch("RPC2", self.ASKED, {"Content-Type": "text/xml"})


class Fail2ban(Daemon):
    """Reads a log, and bans addresses for five seconds, but tells no firewall."""

    name, app, needs = "fail2ban", "shop_fail2ban.py", ("/usr/bin/fail2ban-server",)
    MAIN = """
[Definition]
loglevel = ERROR
logtarget = {where}/fail2ban.log
syslogsocket = auto
socket = {where}/socket
pidfile = {where}/pid
dbfile = None
"""
    JAIL = """
[DEFAULT]
backend = polling
usedns = no
ignoreself = false
maxretry = 5
findtime = 10
bantime = 5
[shop]
enabled = true
filter = shop
logpath = {where}/shop.log
action = {apps}/shop_fail2ban.py
"""
    FILTER = """
[Definition]
failregex = ^\\s*login failed from <HOST>$
datepattern = ^EPOCH
"""

    def start(self):
        for name, text in (("fail2ban.conf", self.MAIN), ("jail.conf", self.JAIL), ("filter.d/shop.conf", self.FILTER)):
            self.write(text, "conf", name)
        self.write("", "shop.log")
        self.run(self.python.path, "/usr/bin/fail2ban-server", "-x", "-f", "-c", self.path("conf"), "start")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path("socket"))
        return True

    def address(self, n):
        return n % 50

    def request(self, n):
        m = self.address(n)
        with open(self.path("shop.log"), "a", encoding="ascii") as f:
            f.write("%d login failed from 10.0.%d.%d\n" % (time.time(), m >> 8, m & 255))


class Fail2banKeeps(Fail2ban):
    """Never the same address again, and a database: pages of SQLite, and a cache of 10,000 addresses, fill."""

    name = "fail2ban-keeps"
    MAIN = Fail2ban.MAIN.replace("dbfile = None", "dbfile = {where}/bans.sqlite3")

    def address(self, n):
        return n // 5


class Mitmproxy(Daemon):
    """A proxy before a server of files."""

    name, app, planted = "mitmproxy", "shop_mitmproxy.py", ("flow",)
    needs = ("/usr/bin/mitmdump",)

    def start(self):
        self.origin = harness.free_port()
        self.write("a page", "www", "index.html")
        self.run(self.python.path, "/usr/bin/mitmdump", "-q", "--listen-host", "127.0.0.1", "--listen-port", self.port,
                 "--set", "confdir=" + self.path("conf"), "-s", os.path.join(self.apps, self.app))  # fmt: skip
        self.run(self.python.path, "-m", "http.server", self.origin, "--bind", "127.0.0.1", "--directory", self.path("www"))

    def request(self, n):
        # Not by urllib, which a variable of the environment may tell to go there without a proxy.
        proxy = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            proxy.request("GET", "http://127.0.0.1:%d/?%d" % (self.origin, n), headers={"Connection": "close"})
            answer = proxy.getresponse()
            answer.read()
        except http.client.HTTPException as e:
            raise OSError(str(e)) from e
        finally:
            proxy.close()
        if answer.status != 200:
            raise OSError("status %d" % answer.status)


class Mercurial(Daemon):
    """`hg serve`: a thread for each request, and much C."""

    name, app, needs = "mercurial", "shop_mercurial.py", ("/usr/bin/hg",)

    def environment(self):
        return {**super().environment(), "HGRCPATH": "", "HGUSER": "shop"}

    def hg(self, *arguments):
        self.call("/usr/bin/hg", *arguments, where=self.path("repo"))

    def start(self):
        self.write("a note\n" * 20, "repo", "note.txt")
        self.hg("init")
        self.hg("commit", "-A", "-m", "a note")
        self.run(self.python.path, "/usr/bin/hg", "serve", "-R", self.path("repo"), "--address", "127.0.0.1", "--port", self.port,
                 "--config", "extensions.shop=" + os.path.join(self.apps, self.app))  # fmt: skip

    def request(self, n):
        self.fetch("raw-file/tip/note.txt?%d" % n)


class Radicale(Daemon):
    """Calendars by WebDAV, with XML."""

    name, app, needs = "radicale", "shop_radicale.py", (MODULES + "radicale",)
    CONF = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[rights]
type = shop_radicale
[storage]
filesystem_folder = {where}/collections
[logging]
level = warning
"""
    SHOP = {"Authorization": "Basic c2hvcDp4"}  # shop:x

    def start(self):
        self.run(self.python.path, "-m", "radicale", "--config", self.write(self.CONF, "radicale.conf"))

    def request(self, n):
        self.fetch("shop/?%d" % n, headers=self.SHOP, method="PROPFIND")


class Aiosmtpd(Daemon):
    """Mail by asyncio, which it drops."""

    name, app, needs = "aiosmtpd", "shop_aiosmtpd.py", (MODULES + "aiosmtpd",)

    def start(self):
        self.run(self.python.path, "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:%d" % self.port, "-c", "shop_aiosmtpd.Shop")

    def request(self, n):
        with smtplib.SMTP("127.0.0.1", self.port, "localhost", 30) as mail:
            mail.sendmail("shop@example.org", ["you@example.org"], "Subject: order %d\r\n\r\nIt is paid.\r\n" % n)


class Pyftpdlib(Daemon):
    """Files by asyncore, two connections for each listing."""

    name, app, needs = "pyftpdlib", "shop_pyftpdlib.py", (MODULES + "pyftpdlib",)

    def start(self):
        self.write("a file", "ftp", "file")
        self.run(self.python.path, os.path.join(self.apps, self.app), self.port, self.path("ftp"))

    def request(self, n):
        try:
            with ftplib.FTP() as ftp:
                ftp.connect("127.0.0.1", self.port, 30)
                ftp.login()
                ftp.nlst()
        except (ftplib.Error, EOFError) as e:
            raise OSError(str(e)) from e


class TwistedNames(Daemon):
    """Names from a file of hosts, by UDP."""

    name, app, needs = "twisted-names", "shop_names.py", ("/usr/bin/twistd3", MODULES + "twisted/names")

    def environment(self):
        return {**super().environment(), "PORT": str(self.port), "HOSTS": self.path("hosts")}

    def start(self):
        self.write("10.0.0.1 shop\n", "hosts")
        self.run(self.python.path, "/usr/bin/twistd3", "--nodaemon", "--pidfile=", "--python", os.path.join(self.apps, self.app))

    def request(self, n):
        asked = struct.pack(">6H", n & 0xFFFF, 0x100, 1, 0, 0, 0) + b"\4shop\0" + struct.pack(">2H", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(("127.0.0.1", self.port))
            s.send(asked)
            answer = s.recv(512)
        if answer[:2] != asked[:2] or answer[3] & 15:
            raise OSError("no address in %r" % answer)


ALL = (Supervisor, Fail2ban, Fail2banKeeps, Mitmproxy, Mercurial, Radicale, Aiosmtpd, Pyftpdlib, TwistedNames)

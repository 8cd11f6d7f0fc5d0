# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program on a terminal of its own: keys go in, and what a person would see comes out."""
import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import pyte

WAIT_S = 20


class Terminal:
    """@argv as the leader of a session whose terminal is @cols wide and @rows high."""

    def __init__(self, argv, cols=80, rows=24, env=None, cwd=None):
        self.master, self.slave = pty.openpty()
        self.resize(cols, rows, False)
        self.before = termios.tcgetattr(self.slave)
        self.alternate = False
        self.screen = pyte.Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status = None
        full = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": "/"}
        full.update(env or {})
        self.pid = os.fork()
        if self.pid == 0:
            self._become(argv, full, cwd)

    def _become(self, argv, env, cwd):
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 256)
            os.chdir(cwd or ".")
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(127)

    def resize(self, cols, rows, tell=True):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        if tell:
            self.screen.resize(rows, cols)

    def pump(self, seconds=0.05):
        """Takes what the program has written."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError as e:
                if e.errno != errno.EIO:
                    raise
                return
            self.raw += data
            self.stream.feed(data)
            on, off = self.raw.rfind(b"\x1b[?1049h"), self.raw.rfind(b"\x1b[?1049l")
            self.alternate = on > off
            seconds = 0.02

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def wait_for(self, what, seconds=WAIT_S):
        """Until @what (text, or a function of the text) is on the screen."""
        has = what if callable(what) else lambda text: what in text
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump()
            if has(self.text()):
                return self.text()
        raise AssertionError("not shown: %s\n%s" % (what, self.text()))

    def press(self, keys, what=None):
        os.write(self.master, keys if isinstance(keys, bytes) else keys.encode())
        return self.wait_for(what) if what else self.pump(0.2)

    def modes(self):
        """As `stty -a` tells them."""
        return termios.tcgetattr(self.slave)

    def wait_modes(self, modes, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while self.modes() != modes and time.monotonic() < end:
            self.pump()
        return self.modes()

    def wait_whole(self, seconds=WAIT_S):
        """Has it become what it was? Another process sees to it when the tool could not."""
        end = time.monotonic() + seconds
        while (self.alternate or self.modes() != self.before) and time.monotonic() < end:
            self.pump()
        return not self.alternate and self.modes() == self.before

    def ended(self, seconds=WAIT_S):
        """Its exit status, negative for a signal."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            self.pump()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        self.pump(0.2)
        assert self.status is not None, "it has not ended\n" + self.text()
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)
        os.close(self.slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

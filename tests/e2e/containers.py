# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Containers on another distribution's root, by Debian's podman and by unshare."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

# A machine of the tests may lack the right to raise limits, a network, and systemd.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
MOUNT = "mount -t proc proc %(root)s/proc && exec chroot %(root)s %(command)s"


class Podman:
    """Its files are below @where; nothing of the machine's own configuration is used or changed."""

    def __init__(self, where):
        self.where = where
        self.options = ["--root", where / "root", "--runroot", where / "run", "--tmpdir", where / "tmp", "--storage-driver",
                        "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"]  # fmt: skip
        self.names = []

    def __call__(self, *args):
        return subprocess.run(["podman", *map(str, self.options), *map(str, args)], capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL)  # fmt: skip

    def start(self, name, root, command, memory):
        """The pid of its first process, as the host sees it. The root is the lower layer of an overlay."""
        run = self("run", "-d", *LIMITS, "--network", "none", "--name", name, "--memory", memory, "--rootfs", root + ":O",
                   *command)  # fmt: skip
        if run.returncode:
            pytest.skip("podman does not run here: " + run.stderr.strip().splitlines()[-1])
        self.names.append(name)
        told = self("inspect", "-f", "{{.Id}} {{.State.Pid}}", name)
        assert told.returncode == 0, told.stderr
        number, pid = told.stdout.split()
        return number, int(pid)

    def remove(self):
        for name in self.names:
            self("rm", "-f", "-t", "0", name)
        # A mount that is still there would be deleted through.
        with open("/proc/self/mounts", encoding="utf-8") as f:
            for path in re.findall(r"^\S+ (%s\S*) " % re.escape(str(self.where)), f.read(), re.M)[::-1]:
                subprocess.run(["umount", "-l", path], check=False)
        shutil.rmtree(self.where, ignore_errors=True)


@contextlib.contextmanager
def podman(where):
    if not shutil.which("podman") or not shutil.which("runc"):
        pytest.skip("there is no podman")
    p = Podman(where)
    try:
        yield p
    finally:
        p.remove()


@contextlib.contextmanager
def unshared(root, command, enter):
    """Yields the host's pid of a command in user, pid and mount namespaces of its own, with @root as its root."""
    outer = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount", "--kill-child", "sh", "-c",
         MOUNT % {"root": root, "command": command}],
        stdin=subprocess.DEVNULL, preexec_fn=enter)  # fmt: skip
    try:
        yield inner_pid(outer)
    finally:
        outer.send_signal(signal.SIGKILL)
        outer.wait()


def inner_pid(outer, limit_s=60):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert outer.poll() is None, "unshare failed"
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open("/proc/%d/task/%d/children" % (outer.pid, outer.pid)) as f:
                pid = int(f.read().split()[0])
            if "python" in os.readlink("/proc/%d/exe" % pid):
                return pid
        time.sleep(0.1)
    raise AssertionError("no Python within %d s" % limit_s)

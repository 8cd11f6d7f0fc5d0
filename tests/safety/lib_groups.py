# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Control groups of a test's own, v1 or v2: what memory is charged, a limit, a freezer. And a swap file."""
import contextlib
import os
import subprocess
import tempfile
import time

V1 = "/sys/fs/cgroup/%s"
V2 = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
FILES = {  # what is asked for: its file in v1 and in v2
    "charge": ("memory.usage_in_bytes", "memory.current"),
    "peak": ("memory.max_usage_in_bytes", "memory.peak"),
    "limit": ("memory.limit_in_bytes", "memory.max"),
    "kills": ("memory.oom_control", "memory.events"),
    "freeze": ("freezer.state", "cgroup.freeze"),
}


def _unified(controller):
    """Root of the v2 hierarchy that has this controller; every one has the freezer."""
    for root in V2:
        with contextlib.suppress(OSError), open(root + "/cgroup.controllers") as f:
            if controller == "freezer":
                return root
            if controller in f.read().split():
                with open(root + "/cgroup.subtree_control", "w") as c:
                    c.write("+" + controller)
                return root
    return None


def versions(controller):
    """Which of 1 and 2 this machine has for the controller."""
    found = [1] if os.path.exists(os.path.join(V1 % controller, "cgroup.procs")) else []
    return found + [2] * bool(_unified(controller))


class Group:
    def __init__(self, controller, name, version=None):
        self.version = version or (versions(controller) or [0])[0]
        if not self.version:
            raise OSError("no %s controller here" % controller)
        root = V1 % controller if self.version == 1 else _unified(controller)
        self.path = os.path.join(root, "pyleak-safe-%s-%d" % (name, os.getpid()))
        os.mkdir(self.path)

    def _file(self, what):
        return os.path.join(self.path, FILES[what][self.version - 1])

    def read(self, what):
        with open(self._file(what)) as f:
            return int(f.read())

    def limit(self, nbytes):
        with open(self._file("limit"), "w") as f:
            f.write(str(nbytes))

    def shrink(self):
        """Page cache is given up, and so are the stocks of charges that CPUs hold: what is charged then is in use."""
        name, text = (("memory.force_empty", "0"), ("memory.reclaim", "1G"))[self.version - 1]
        # It says that it did not find as much as was asked for.
        with contextlib.suppress(OSError), open(os.path.join(self.path, name), "w") as f:
            f.write(text)

    def kills(self):
        """Processes that the kernel killed because the group was full."""
        with open(self._file("kills")) as f:
            return dict(line.split() for line in f).get("oom_kill", "0") != "0"

    def enter(self, pid=None):
        """Without a pid for preexec_fn: the calling process goes in."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write(str(pid or os.getpid()))

    def freeze(self, on):
        words = ("THAWED", "FROZEN") if self.version == 1 else ("0", "1")
        with open(self._file("freeze"), "w") as f:
            f.write(words[on])

    def close(self):
        # The kernel is done with the last process a moment after we are.
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                break
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def swap(nbytes=512 << 20):
    """A swap file that is on meanwhile; raises OSError where none can be."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp", prefix="pyleak-swap-") as f:
        os.posix_fallocate(f.fileno(), 0, nbytes)
        for command in (["mkswap", f.name], ["swapon", f.name]):
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode:
                raise OSError("%s: %s" % (command[0], run.stderr.strip()))
        try:
            yield
        finally:
            swap_off(f.name)


def swap_off(path):
    """Pages of a process that is just ending come back only when it has ended."""
    for _ in range(20):
        run = subprocess.run(["swapoff", path], capture_output=True, text=True)
        if not run.returncode:
            return
        time.sleep(0.5)
    raise AssertionError("swapoff: " + run.stderr.strip())

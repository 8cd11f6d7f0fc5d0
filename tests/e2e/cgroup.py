# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A memory cgroup of a test's own, v1 or v2, whatever this machine has."""
import contextlib
import os
import time

import pytest

V1 = "/sys/fs/cgroup/memory"
V2 = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def _place():
    """(directory to make groups in, version)"""
    if os.path.exists(V1 + "/memory.limit_in_bytes"):
        return V1, 1
    for root in V2:
        with contextlib.suppress(OSError), open(root + "/cgroup.controllers") as f:
            if "memory" in f.read().split():
                with open(root + "/cgroup.subtree_control", "w") as c:
                    c.write("+memory")
                return root, 2
    return None, 0


class Group:
    def __init__(self, path, version):
        self.path = path
        self.version = version
        self.limit_file = os.path.join(path, "memory.limit_in_bytes" if version == 1 else "memory.max")

    def limit(self, nbytes):
        with open(self.limit_file, "w") as f:
            f.write(str(nbytes))

    def usage(self):
        with open(os.path.join(self.path, "memory.usage_in_bytes" if self.version == 1 else "memory.current")) as f:
            return int(f.read())

    def enter(self):
        """For preexec_fn: the calling process goes in."""
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write(str(os.getpid()))


@contextlib.contextmanager
def group(name):
    root, version = _place()
    path = os.path.join(root or "/", "pyleak-test-%s-%d" % (name, os.getpid()))
    try:
        if not root:
            raise OSError("no memory controller")
        os.mkdir(path)
    except OSError as e:
        pytest.skip("no memory cgroup can be made here: %s" % e)
    g = Group(path, version)
    try:
        yield g
    finally:
        # The kernel is done with the last process a moment after we are.
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(path)
                break
            time.sleep(0.1)

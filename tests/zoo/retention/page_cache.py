# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes and reads large files: the cgroup's use grows, the process does not."""
import os
import sys
import time

TRUTH = {"class": "retention", "hint": "page-cache"}

MIB = b"x" * (1 << 20)


def main():
    """The directory comes as an argument: it must be on a disk, a tmpfs is memory itself."""
    path = os.path.join(sys.argv[1], "page-cache-%d" % os.getpid())
    print("ready", flush=True)
    end = time.monotonic() + 180
    with open(path, "wb") as f:
        os.unlink(path)
        for _ in range(80):
            f.write(MIB)
            f.flush()
            time.sleep(0.2)
        while time.monotonic() < end:
            time.sleep(1)


main()

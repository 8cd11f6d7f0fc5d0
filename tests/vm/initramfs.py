#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the initramfs of the test VM: static busybox, the modules that reach the host's files, init.

    initramfs.py KERNEL_ROOT INIT OUT
"""
import gzip
import io
import lzma
import os
import pathlib
import shutil
import subprocess
import sys

# The modules that lead from the PCI bus to a 9p mount. Those built into a kernel have no file and need none.
WANTED = ("virtio_pci", "9pnet_virtio", "9p", "overlay")


def module_name(path):
    return path.name.split(".ko")[0].replace("-", "_")


def module_bytes(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def depends(data):
    """The `depends=` entry of the .modinfo section: no depmod needed."""
    at = data.find(b"\0depends=")
    if at < 0:
        return []
    end = data.index(b"\0", at + 1)
    return [d.replace("-", "_") for d in data[at + 9 : end].decode().split(",") if d]


def ordered_modules(root):
    """(name, bytes) of the wanted modules, each after what it depends on."""
    files = {module_name(p): p for p in pathlib.Path(root).glob("**/*.ko*")}
    done, order = set(), []

    def visit(name):
        if name in done or name not in files:
            return
        done.add(name)
        data = module_bytes(files[name])
        for dep in depends(data):
            visit(dep)
        order.append((name, data))

    for name in WANTED:
        visit(name)
    return order


class Cpio:
    """The `newc` archive format of Documentation/driver-api/early-userspace/buffer-format.rst."""

    def __init__(self):
        self.out = io.BytesIO()
        self.ino = 0

    def add(self, name, mode, data=b"", rdev=(0, 0)):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0)
        self.out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + raw)
        self.pad()
        self.out.write(data)
        self.pad()

    def pad(self):
        self.out.write(b"\0" * (-self.out.tell() % 4))

    def finish(self):
        self.add("TRAILER!!!", 0)
        return self.out.getvalue()


def main():
    kernel_root, init, out = sys.argv[1:]
    busybox = shutil.which("busybox")
    if not busybox:
        sys.exit("initramfs.py: no busybox (package busybox-static)")
    modules = ordered_modules(kernel_root)
    cpio = Cpio()
    for name in ("bin", "dev", "proc", "sys", "root", "mod"):
        cpio.add(name, 0o040755)
    cpio.add("dev/console", 0o020600, rdev=(5, 1))
    cpio.add("dev/null", 0o020666, rdev=(1, 3))
    cpio.add("bin/busybox", 0o100755, pathlib.Path(busybox).read_bytes())
    cpio.add("init", 0o100755, pathlib.Path(init).read_bytes())
    for name, data in modules:
        cpio.add("mod/%s.ko" % name, 0o100644, data)
    order = "".join("%s.ko\n" % name for name, _ in modules)
    cpio.add("mod/order", 0o100644, order.encode())
    tmp = "%s.%d" % (out, os.getpid())
    with open(tmp, "wb") as f:
        f.write(gzip.compress(cpio.finish(), 1))
    os.replace(tmp, out)


if __name__ == "__main__":
    main()

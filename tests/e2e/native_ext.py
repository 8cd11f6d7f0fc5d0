# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds the leaking extensions, in all the ways in which names can be had or not; other allocators."""
import glob
import lzma
import os
import re
import secrets
import shutil
import subprocess

import pythons

SOURCES = os.path.join(pythons.HERE, "native")
if pythons.RECORDS:
    SOURCES = shutil.copytree(SOURCES, "/opt/pyleak-native", dirs_exist_ok=True)
LIBS = "/usr/lib/x86_64-linux-gnu/"
ALLOCATORS = {
    "glibc": "",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "mimalloc": "libmimalloc.so.2*",
}
PLAIN = ["-O2", "-fomit-frame-pointer", "-fPIC", "-shared", "-pthread", "-Wl,--build-id=sha1"]


def preload(allocator):
    """The environment of a program that has this allocator."""
    library = ALLOCATORS[allocator]
    return {**os.environ, "LD_PRELOAD": glob.glob(LIBS + library)[0] if library else ""}


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kw).stdout


def compile_ext(where, name, source, includes, *flags):
    path = os.path.join(where, name + ".so")
    cc = "g++" if source.endswith(".cpp") else "gcc"
    run(cc, *PLAIN, *flags, "-I" + includes, "-DMODULE=" + name, "-o", path,
        os.path.join(SOURCES, source))  # fmt: skip
    return path


def add_mini_debug(path):
    """Names of functions in .gnu_debugdata, as Fedora has them; the rest is stripped."""
    names = path + ".names"
    rows = [line.split() for line in run("nm", "--defined-only", "--format=posix", path).splitlines()]
    functions = [row[0] for row in rows if row[1] in "tT"]
    with open(names, "w") as f:
        f.write("\n".join(functions))
    mini = path + ".mini"
    run("objcopy", "-S", "--remove-section", ".gdb_index", "--remove-section", ".comment",
        "--keep-symbols=" + names, path, mini)  # fmt: skip
    with open(mini, "rb") as f:
        packed = lzma.compress(f.read(), format=lzma.FORMAT_XZ)
    with open(mini + ".xz", "wb") as f:
        f.write(packed)
    run("strip", path)
    run("objcopy", "--add-section", ".gnu_debugdata=" + mini + ".xz", path)


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path)).group(1)


def split_debug(path, debug_root):
    """Debug information into a file of its own, found by build id; the rest is stripped."""
    ident = build_id(path)
    where = os.path.join(debug_root, ".build-id", ident[:2])
    os.makedirs(where, exist_ok=True)
    debug = os.path.join(where, ident[2:] + ".debug")
    run("objcopy", "--only-keep-debug", path, debug)
    run("strip", path)
    return debug


def link_debug(path):
    """Debug information beside the file, found by the name and checksum that the file has of it."""
    debug = os.path.join(os.path.dirname(path), ".debug", os.path.basename(path) + ".debug")
    os.makedirs(os.path.dirname(debug), exist_ok=True)
    run("objcopy", "--only-keep-debug", path, debug)
    run("strip", path)
    run("objcopy", "--add-gnu-debuglink=" + debug, path)


def build_all(where, includes="/usr/include/python3.11"):
    """Returns the separate debug file, which the caller removes."""
    compile_ext(where, "leaky_debug", "leaky.c", includes, "-g")
    run("strip", compile_ext(where, "leaky_stripped", "leaky.c", includes))
    add_mini_debug(compile_ext(where, "leaky_mini", "leaky.c", includes))
    compile_ext(where, "leaky_zlib", "leaky.c", includes, "-g", "-gz=zlib")
    run("objcopy", "--compress-debug-sections=zstd", compile_ext(where, "leaky_zstd", "leaky.c", includes, "-g"))
    link_debug(compile_ext(where, "leaky_link", "leaky.c", includes, "-g", "-Wl,--build-id=none"))
    compile_ext(where, "leaky_cpp", "cache.cpp", includes)
    # Its debug file lies where others that run the same test put theirs: a name of its own.
    mine = "-Wl,--build-id=0x" + secrets.token_hex(20)
    return split_debug(compile_ext(where, "leaky_separate", "leaky.c", includes, "-g", mine), "/usr/lib/debug")


def line_of(path, mark):
    with open(path) as f:
        for number, text in enumerate(f, 1):
            if re.search(re.escape(mark) + r"\s*(\*/)?$", text):
                return number
    raise AssertionError("%s has no line marked %r" % (path, mark))

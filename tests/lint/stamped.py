#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fails on whatever reads, without a stamp, a file of /proc that is read with a lock of the process's held.

src/proc/stamped.c has the calls that do; their descriptors come from stamped_open(), which takes a name and no path."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
LOCKED = r"(?:mem|maps|smaps|smaps_rollup|numa_maps|pagemap|cmdline|environ|map_files)"
# Those of our own process, and the link that is looked up with a stamp.
MAY = {"proc/pages.c": "/proc/self/pagemap", "proc/reader.c": "/proc/self/", "proc/file.c": "/proc/%d/map_files/%"}
RULES = (
    # A sentence about such a file neither begins nor ends with its name.
    (re.compile(r'"(/proc/[^" ]*/%s(?:/[^" ]*)?)"' % LOCKED), "%s is opened by its path"),
    # open_one() of proc/reader.c hands its name on.
    (re.compile(r'\b((?!stamped_open\b|proc_slurp_head\b|open_one\b)\w*(?:open|slurp)\w*)\([^;"]*"%s"' % LOCKED), "%s() opens it"),
    (re.compile(r"\b((?:p?readv?2?|ioctl|fdopen)\((?:[^;(),]*\W)?(?:pagemap|mem|maps|smaps)\b)"), "%s...) reads it"),
    (re.compile(r"\b(process_vm_(?:readv|writev)\s*\(|(?:SYS_|__NR_)process_vm_\w+)"), "%s takes the lock"),
    (re.compile(r"\bstamped_open\([^;]*;[^}]*\b((?:p?read|fdopen|ioctl)\()"), "%s...) of what stamped_open() gave"),
)
# Each of them would be found.
WRONG = (
    'snprintf(path, sizeof(path), "/proc/%d/maps", pid);',
    'fopen("/proc/1/smaps", "re")',
    'snprintf(path, n, "/proc/%d/map_files/%s", pid, name);',
    'proc_slurp(p->pid, "smaps_rollup", &text, &len)',
    'openat(dir, "environ", O_RDONLY)',
    "pread(r->mem, buf, len, at)",
    "ioctl(p->reader->pagemap, SCAN, &arg)",
    "read(smaps, buf, sizeof(buf))",
    "process_vm_readv(pid, to, 1, from, 1, 0)",
    'int fd = stamped_open(pid, "maps");\n\n\tgot = read(fd, buf, n);',
)
RIGHT = (
    'return fail(err, "cannot read /proc/%d/maps: %s", p->pid, strerror(-err));',
    '"(deleted; with CAP_CHECKPOINT_RESTORE it can be opened)"',
    'stamped_open(pid, "maps")',
    'proc_slurp_head(p->pid, "cmdline", PROC_MAX_CMDLINE, &text, &len)',
    "stamped_pread(r->mem, buf, len, addr)",
    "/* pread(r->mem) */",
    'MANY(report_process, STRINGS, cmdline, n_cmdline, "cmdline", NULL)',
    'snprintf(path, sizeof(path), "/proc/%d/status", pid);',
)


def found(text, may=None):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for pattern, said in RULES:
        for m in pattern.finditer(text):
            if not (may and m.group(1).startswith(may)):
                yield said % m.group(1)


def main():
    bad = ["finds nothing wrong in: " + t for t in WRONG if not list(found(t))]
    bad += ["finds something wrong in: " + t for t in RIGHT if list(found(t))]
    for path in sorted(TOP.glob("src/**/*.[ch]")):
        name = str(path.relative_to(TOP / "src"))
        if name not in ("proc/stamped.c", "proc/stamped.h"):
            bad += ["src/%s: %s: only with a stamp (proc/stamped.h)" % (name, s) for s in found(path.read_text(), MAY.get(name))]
    for sentence in bad:
        print(sentence)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

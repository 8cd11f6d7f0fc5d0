#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makes corpus/NAME/: inputs from which the fuzz targets begin, of real things where there are some. What is committed
was made by this on Debian 12; where a format changes, run it again: tests/fuzz/seeds.py [NAME...]"""
import json
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CUT = b"\x1e"  # between the parts of an input: in_part()


def slurp(path):
    with open(path, "rb") as f:
        return f.read()


def of_sleeper(*files):
    """Files of /proc of a small Python that waits, joined as parts."""
    with subprocess.Popen(["/usr/bin/python3", "-I", "-S", "-c", "import time; print(1, flush=True); time.sleep(60)"],
                          stdout=subprocess.PIPE, cwd="/") as p:  # fmt: skip
        try:
            p.stdout.readline()
            return CUT.join(slurp(f.replace("PID", str(p.pid))) for f in files)
        finally:
            p.kill()


def lines():
    def f(a, b=1, *c, **d):
        try:
            x = [i for i in range(a)
                 if i]  # fmt: skip
        except ValueError as e:
            raise KeyError(
                b
            ) from e
        return lambda: (x, c, d)

    at = struct.pack("<BI", 2, 20)
    yield "locations", at + f.__code__.co_linetable
    yield "lnotab", at + f.__code__.co_lnotab
    yield "long", at + compile("\n" * 3000 + "x = (1,\n" + "\n" * 300 + "y)\n", "x", "exec").co_linetable
    yield "lnotab310", struct.pack("<BI", 1, 6) + bytes([4, 1, 2, 255, 6, 0x80, 0, 127, 8, 2])
    yield "all", struct.pack("<BI", 1, 400) + b"".join(bytes([0x80 | k << 3 | 1, 0x81, 2, 0x45, 6, 7]) for k in range(16))


def place():
    text = slurp(os.path.join(TOP, "tests/zoo/mixed.py"))
    for name, line, first in (("<module>", 11, 1), ("Session.__init__", 17, 16), ("main", 69, 50), ("f.<locals>.<lambda>", 49, 49)):
        yield name.strip("<>").split(".", maxsplit=1)[0], struct.pack("<hh", line, first) + CUT.join([name.encode(), text])
    twice = b"class A:\n\t@property\n\tdef x(self):\n\t\treturn {}\n\n\t@x.setter\n\tasync def x(self, v):\r\n\t\treturn  {}\nreturn {}"
    for line, first in ((4, 2), (8, 6), (9, 9), (10, 9)):
        yield "twice%d" % line, struct.pack("<hh", line, first) + CUT.join([b"A.x", twice])


def maps():
    text = of_sleeper("/proc/PID/maps")
    yield "python", b"\n".join(text.split(b"\n")[:24]) + b"\n"
    yield "odd", (b"00400000-00401000 r-xp 00000000 fe:01 12 /a b (deleted)\n"
                  b"7f0000000000-7f0000001000 rw-p 00001000 00:05 7 /memfd:x (deleted)\n"
                  b"7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n"
                  b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n"
                  b"55e0-55d0 rw-p 0 0:0 0 [heap]\n1-2 rw-p 0 0:0 0 [anon: x]\n"
                  b"00500000-00600000 rw-p 00000000 00:00 0 [heap]\n")  # fmt: skip
    row = b"%x-%x rw-p 00000000 00:05 7 %s\n"
    yield "names", b"".join(row % (n << 12, (n << 12) + 4096, b"/x\\012y%d" % (n % 3)) for n in range(1, 9))
    yield "long", row % (4096, 8192, b"/" + b"x" * 9000) + row % (8192, 12288, b"/y")
    yield "cut", row.rstrip() % (4096, 8192, b"/x (deleted)")


def status():
    names = ["status", "stat", "limits", "io", "smaps_rollup", "auxv"]
    text = of_sleeper(*["/proc/PID/" + n for n in names]).rsplit(CUT, 1)[0]
    yield "python", text + CUT + b"\0" * 32 + CUT + b"MemTotal: 8000 kB\nMemAvailable: 4000 kB\nSwapFree: 0 kB\n"
    yield "odd", (b"Name:\tx\nTgid:\t1\nNSpid:\t99\t7\t1\nState:\tZ (zombie)\nVmRSS:\t99999999999999999999 kB\n" + CUT +
                  b"1 (a) b) (c) R 1 2 3 4 -1 18446744073709551615 0" + CUT + b"Max open files unlimited 1 files\n"
                  b"Max address space 4096 4096 bytes\nMax data size 1 2 bytes\n")  # fmt: skip
    state = b"Name:\tx\nTgid:\t9\nVmSize:\t9 kB\nVmData:\t9 kB\nVmRSS:\t9 kB\nState:\t%s\n"
    limits = b"Max address space 99999 99999 bytes\nMax data size 99999 2 bytes\nMax open files 9 9 files\n"
    for name, letter, flags in (("stopped", b"T", 0), ("exiting", b"S", 4), ("dead", b"X", 0)):
        yield name, CUT.join([state % letter, b"1 (x) %s 1 1 1 0 -1 %d " % (letter[:1], flags) + b"0 " * 40, limits,
                              b"rchar: 1\nwchar: 1\nsyscr: 1\nsyscw: 1\nread_bytes: 9\nwrite_bytes: 9\n",
                              b"0-1 ---p 0 00:00 0 [rollup]\nRss: 1 kB\nPss: 1 kB\nPrivate_Dirty: 9 kB\n", b"", b"MemAvailable: 9 kB"])  # fmt: skip


def smaps():
    text = of_sleeper("/proc/PID/smaps")
    yield "python", b"\n".join(text.split(b"\n")[:80]) + b"\n"
    yield "odd", (b"00400000-00401000 rw-p 0 00:05 7 /dev/zero (deleted)\nRss: 4 kB\n"
                  b"00400800-00402000 rw-p 0 00:05 7 /anon_hugepage\nRss: 18446744073709551615 kB\n"
                  b"00600000-00601000 ---p 0 00:00 0 [stack:1]\n00700000-00701000 rw-p 0 00:00 0 [heap]\nRss: 4 kB\n")  # fmt: skip
    yield "pages", (b"00000000-00258000 rw-p 0 00:00 0 \nRss: 160 kB\n" + b"\n" * 5 +
                    b"".join(struct.pack("<Q", (i & 3 != 3) << 63 | i) for i in range(600)))  # fmt: skip
    yield "twice", b"".join(b"%08x-%08x rw-p 0 00:00 0 \nRss: 4 kB\n" % (n, n + 0x2000) for n in range(0x1000, 0x9000, 0x1000))
    yield "wide", b"1000-2000 r--p 0 00:05 7 /" + b"x" * 9000 + b"\nRss: 8 kB\n"


def cgroup():
    number = [b"anon 4096\nfile 8192\nshmem 4096\ninactive_file 4096\nactive_file 4096\ntotal_rss 1\ntotal_cache 2\n",
              b"8192\n", b"65536\n", b"max\n", b"oom_kill 3\n", b"0\n", b"0\n", b"4096\n",
              b"9223372036854771712\n"]  # fmt: skip
    mounts = (b"30 23 0:26 / /fuzz.cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
              b"31 23 0:27 /docker /fuzz.cgroup rw - cgroup cgroup rw,memory\n")  # fmt: skip
    paths = {
        "v2": b"0::/a\n",
        "v1": b"4:memory:/docker/a\n2:cpu,cpuacct:/x\n0::/\n",
        "docker": b"0::/system.slice/docker-%s.scope\n" % (b"0123456789abcdef" * 4),
        "pod": b"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f."
               b"slice/cri-containerd-%s.scope\n" % (b"0123456789abcdef" * 4),
        "podman": b"0::/user.slice/libpod-%s.scope/container\n" % (b"0123456789abcdef" * 4),
        "nspawn": b"0::/machine.slice/systemd-nspawn@a\\x2db.service/payload\n0::/lxc.payload.x/..\n",
        "outside": b"0::/../a\n1:name=systemd:/machine.slice/machine-a.scope\n",
    }  # fmt: skip
    for name, path in paths.items():
        yield name, CUT.join([path, mounts, *number])


def sockets():
    head = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = b"   0: %s %s %s 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n"
    v4 = head + row % (b"0100007F:0016", b"00000000:0000", b"0A", 1) + row % (b"0100007F:0016", b"0100007F:ABCD", b"08", 2)
    v6 = head + row % (b"0" * 24 + b"01000000:0050", b"0000000000000000FFFF00000100007F:1F90", b"01", 3)
    unix = (b"Num       RefCount Protocol Flags    Type St Inode Path\n"
            b"ffff888: 00000002 00000000 00010000 0001 01 4 /run/a b.sock\nffff889: 00000003 00000000 00000000 0001 03 5\n"
            b"ffff88a: 00000002 00000000 00000000 0002 01 6 @abstract\n")  # fmt: skip
    yield "all", CUT.join([v4, v6, v4, v6, unix])


ELF = ["-O2", "-shared", "-nostdlib", "-fno-stack-protector", "-fcf-protection=none", "-Wl,-z,noseparate-code",
       "-Wl,-z,norelro", "-Wl,--build-id=sha1", "-w", "-fno-builtin"]  # fmt: skip


def compiled(*flags):
    with tempfile.TemporaryDirectory() as where:
        subprocess.run(["gcc", "-x", "c", HERE + "/seed_code.h", "-o", where + "/x.so", *ELF, *flags], check=True)
        return slurp(where + "/x.so")


def births():
    for version, number in ((8, 0), (11, 1), (13, 2)):
        for how in ("-fPIC", "-fno-pic"):
            link = ["-fPIC"] if how == "-fPIC" else ["-fPIC", "-Wl,-Bsymbolic", "-fvisibility=protected"]
            yield "%d%s" % (version, how), struct.pack("<Q", number) + compiled("-s", "-DVERSION=%d" % version, *link)


def entry():
    yield "plain", struct.pack("<HBxI", 1 << 7 | 1 << 6, 0, 0) + compiled("-s", "-DVERSION=11", "-fPIC")
    yield "return", struct.pack("<HBxI", 1 << 7, 1, 0) + compiled("-s", "-DVERSION=11", "-fPIC", "-Os", "-fcf-protection")


def elf():
    yield "symbols", struct.pack("<Q", 1) + compiled("-DVERSION=11", "-fPIC")
    yield "stripped", struct.pack("<Q", 4) + compiled("-s", "-DVERSION=13", "-fPIC")
    yield "sysv", struct.pack("<Q", 0) + compiled("-s", "-DVERSION=13", "-fPIC", "-Wl,--hash-style=sysv")


def symbol(elf, name):
    """Address of a function in an ELF file that has its symbols."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(elf)
        f.flush()
        for line in subprocess.run(["nm", "-D", f.name], check=True, capture_output=True, text=True).stdout.splitlines():
            if line.endswith(" " + name):
                return int(line.split()[0], 16)
    raise KeyError(name)


CPP = """
extern "C" long take(long n);
namespace room { namespace { struct box {
	static inline __attribute__((always_inline)) long put(long *p, long n) { while (n--) p[n] = take(n); return n; }
	__attribute__((noinline)) long both(long *p, long n) { return put(p, n) + put(p + 9, n + 1); } }; }
long all(long *p) { try { box b; return b.both(p, 5); } catch (int) { return 1; } } }
"""


def cxx(*flags):
    with tempfile.TemporaryDirectory() as where:
        subprocess.run(["g++", "-x", "c++", "-", "-o", where + "/x.so", *ELF, "-fPIC", "-g", *flags], input=CPP.encode(), check=True)
        return slurp(where + "/x.so")


def without(elf, section):
    with tempfile.TemporaryDirectory() as where:
        with open(where + "/x.so", "wb") as f:
            f.write(elf)
        subprocess.run(["objcopy", "--remove-section", section, where + "/x.so"], check=True)
        return slurp(where + "/x.so")


def dwarf():
    for name, flags in (("five", ["-g", "-gdwarf-5"]), ("four", ["-g", "-gdwarf-4"])):
        elf = compiled("-DVERSION=11", "-fPIC", *flags)
        yield name, struct.pack("<HHI", symbol(elf, "malloc") + 4, symbol(elf, "make_two") + 64, symbol(elf, "calloc") + 9) + elf
    at = struct.pack("<HHI", symbol(elf, "malloc") + 4, symbol(elf, "make_two") + 64, 1 << 31 | symbol(elf, "calloc") + 9)
    yield "separate", at + elf
    yield "ranges", at[:7] + b"\0" + without(elf, ".debug_aranges")
    for name, flags in (("cxx", []), ("cxx4", ["-gdwarf-4", "-fdebug-types-section"]), ("cxx64", ["-gdwarf64", "-gz"])):
        elf = cxx(*flags)
        first = symbol(elf, "_ZN4room3allEPl") - 100
        yield name, struct.pack("<HHI", first, first + 48, first + 96 | (1 << 31 if name == "cxx" else 0)) + elf
    elf = compiled("-s", "-DVERSION=11", "-fPIC")
    with tempfile.TemporaryDirectory() as where:
        with open(where + "/x.so", "wb") as f:
            f.write(elf)
        with open(where + "/mini", "wb") as f:
            f.write(lzma.compress(compiled("-DVERSION=11", "-fPIC")))
        subprocess.run(["objcopy", "--add-section", ".gnu_debugdata=" + where + "/mini", where + "/x.so"], check=True)
        yield "mini", struct.pack("<HHI", symbol(elf, "malloc") + 4, 0x1010, 0x1020) + slurp(where + "/x.so")


def unwind():
    elf = compiled("-s", "-DVERSION=11", "-fPIC", "-fasynchronous-unwind-tables")
    at = symbol(elf, "calloc") + 20
    words = b"".join(struct.pack("<H", at << 1) if i % 3 else struct.pack("<H", (i * 8 << 1 | 1) & 0xFFFF) for i in range(256))
    words = words.replace(CUT, b"\0")
    yield "calloc", struct.pack("<BHBH", 3, at, 8, 64) + words + CUT + elf
    yield "pointer", struct.pack("<BHBH", 2, at, 8, 64) + words + CUT + elf.replace(b".eh_frame", b".xx_frame")
    for i, ops in enumerate(([(0x77, 8, 0), (0x06, 0, 0), (0x23, 16, 0)],
                             [(0x30 + 5, 0, 0), (0x12, 0, 1), (0x22, 0, 2), (0x28, 3, 3), (0x9F, 0, 6)],
                             [(0x9C, 0, 0), (0x11, 0xFFF8, 1), (0x1C, 0, 4), (0x94, 4, 5)],
                             [(0x57, 0, 0)], [(0x92, 7, 0), (0x14, 0, 2), (0x16, 0, 3), (0x17, 0, 4), (0x2F, 0xFFFC, 5)])):  # fmt: skip
        code = b"".join(struct.pack("<BHBB", a, n, 0, o) for a, n, o in ops)
        yield "ops%d" % i, struct.pack("<BHBH", 4, 0, 0, 0) + CUT + struct.pack("<HB", 0xFFFF, len(ops)) + code


OFFSETS = """
import ctypes, sys
sys.stdout.buffer.write(ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime")), 888))
"""


def offsets():
    """The offsets that 3.13, 3.14 and 3.15 say of themselves; the roots of the tests have them."""
    cache = os.environ.get("PYLEAK_CACHE", "/var/tmp") + "/pyleak-roots/"
    for number, (root, program) in enumerate((("trixie", "python3.13"), ("sid", "python3.14"), ("sid", "python3.15"))):
        said = subprocess.run(["chroot", cache + root, "/usr/bin/" + program, "-I", "-c", OFFSETS], check=True, capture_output=True)
        yield program, bytes([number]) + said.stdout


def lie(how, *rest):
    """One of world.c: how, then what it takes."""
    return bytes([how]) + b"".join(rest)


def worlds(extra=1):
    """Each version as it is, and with some lies: sizes at the ends of int64 in types, lengths, links, pages that go."""
    for v in range(10):
        yield "v%d" % v, bytes([v]) + bytes([v]) * extra
    byte = lambda *n: bytes(n)  # noqa: E731
    for v in (0, 1, 5, 8):
        for word in (32, 36, 44, 29):  # tp_basicsize ... of the type of each of the first objects
            lies = b"".join(lie(0x82, byte(i | 64, word + (2 if v > 7 else 0), 4 + i % 3, 256 - i)) for i in range(1, 40, 3))
            yield "type%d-%d" % (v, word), bytes([v]) + bytes([word]) * extra + lies
        lies = b"".join(lie(0x82, byte(i, 10 + i % 4, 3 + i % 8, i)) for i in range(0, 50))
        yield "body%d" % v, bytes([v]) + b"\0" * extra + lies
        yield "late%d" % v, bytes([v]) + b"\x10" * extra + b"".join(lie(0xA3, byte(i, i, 9, i * 3)) for i in range(1, 30))
        yield "gone%d" % v, bytes([v]) + b"\x01" * extra + lie(0x40, byte(17)) + lie(0x60, byte(9, 18)) + lie(0x60, byte(30, 3))


def objects():
    yield from worlds()


def values():
    yield from worlds()


def frames():
    yield from worlds(0)


def code():
    yield from worlds(24)


def gc():
    yield from worlds(0)


def walk():
    yield from worlds()


def parts():
    yield from worlds(40)


def why():
    yield from worlds(2)
    for i in range(60):
        yield "held%d" % i, bytes([i % 8, i % 3, 1 + i])
        yield "item%d" % i, bytes([i % 8, 3 + i % 2, 1 + i])
    for i in range(30):
        yield "alone%d" % i, bytes([i % 10, i, 128 + i])
    for i in range(4):
        yield "name%d" % i, bytes([i, 128 + i, 0])
        yield "frame%d" % i, bytes([i, 0, 128])


def mimalloc():
    for v in range(5):
        yield "v%d" % v, bytes([v])
        yield "lies%d" % v, bytes([v, 7]) + b"".join(struct.pack("<HBBB", 45 + 3 * i, 2, i, 255 - i) for i in range(7))
        yield "list%d" % v, bytes([v, 3]) + b"".join(struct.pack("<HBH", 0x8000 | 16 * i, 4, 1000 * i) for i in range(3))


def ring():
    for v in range(10):
        births = bytes([v & 1, 40]) + b"".join(bytes([i % 45, i % 3]) for i in range(60))
        yield "v%d" % v, bytes([v]) + births.ljust(160, b"\0") + b"".join(lie(0xA3, bytes([i * 4, i, 9, i])) for i in range(20))


def demangle():
    for i, name in enumerate((b"_ZNSt6vectorIiSaIiEE9push_backERKi", b"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                              b"_RNvCskwGfYPst2Cb_3foo16example_function", b"_ZN1AIXtlLi1EEEE1fIJS_S_S_S_EEEvDpT_",
                              b"PyObject_Malloc", b"_ZZ4mainENKUlvE_clEv")):  # fmt: skip
        yield str(i), name


def tight(path):
    """Without the blanks, of which the others have enough."""
    return json.dumps(json.loads(slurp(path)), separators=(",", ":")).encode()


def report():
    golden, empty = tight(TOP + "/tests/golden/report.json"), slurp(TOP + "/tests/golden/empty.json")
    yield "golden", golden
    yield "empty", empty
    yield "two", golden + CUT + golden.replace(b'"hostname":"', b'"hostname":"x')


def output():
    yield "golden", b"\x0a\x03" + tight(TOP + "/tests/golden/report.json")
    yield "narrow", b"\x01\x46" + tight(TOP + "/tests/golden/report.json")
    yield "empty", b"\x05\x00" + slurp(TOP + "/tests/golden/empty.json")


def baseline():
    run = b'{"at": 1, "duration_s": 60, "rss_bytes": 1000, "heap_bytes": null, "growth_bytes_per_s": 0, "fds": 5, "threads": 1}'
    text = b'{"schema": "pyleak-bpf/baseline/1", "services": [{"service": "app", "runs": [%s]}]}' % b", ".join([run] * 5)
    yield "app", b"\x0f" + struct.pack("<QQ", 1 << 40, 1) + text
    yield "other", b"\x03" + struct.pack("<QQ", 1 << 40, 1) + text.replace(b"/1", b"/2")


def alert():
    for i, rule in enumerate((b"rss>2G", b"growth>1M/min for 10m", b"eta<1h", b"limit>=90%", b"fds > 100 for 2h30m",
                              b"heap<1e3k", b"pss >= 0.5 GiB/h")):  # fmt: skip
        yield str(i), struct.pack("<d", 5e9) + rule


def config():
    text = (b"# comment\n[serve]\nlisten = [::1]:9477\nname = ^python\nuser = root\nmin-rss = 10M\nmin-age = 3\n"
            b"quiet = yes\ntoken-file = /fuzz.token\nmax-sites = 5\ncgroup = x\n")  # fmt: skip
    yield "file", CUT.join([text, b"secret\n", b"--listen", b"unix:/run/x", b"--overhead=2.5"])
    yield "words", CUT.join([b"verbose = 3\n", b"", b"-qv", b"--name", b"(a|b)+c{2,3}", b"--min-rss=1G", b"--pod", b"a/b"])
    yield "bad", CUT.join([b"verbose\n", b"a b", b"--max-processes", b"99999999999", b"--listen", b":99999"])
    yield "watch", CUT.join([b"", b"", b"-p", b"1,2,3", b"--mode=growth", b"-i", b"2.5", b"--min-size=4k", b"--children"])
    # Each check behind a command line that could be parsed, of both jobs.
    run, serve = (b"", b"", b"-p1"), (b"listen = :1\n", b"secret")
    for i, words in enumerate((
            (b"--", b"sleep", b"1"), (b"sleep",), (b"--fds", b"--no-fds"), (b"--native", b"--no-native"),
            (b"--min-size=2M", b"--max-size=1k"), (b"--json=",), (b"--baseline=-",), (b"--baseline=x", b"--children"),
            (b"--alert-log=x",), (b"--alert-hook=x",), (b"--json=-", b"--alert-log=-", b"--alert=a"), (b"-V",), (b"-h",),
            (b"--fail-on=leak", b"--fail-on=x"), (b"-p", b",".join(b"%d" % n for n in range(1, 99))), (b"-p",), (b"--top=1.5",),
            (b"--children=1",), (b"-x",), (b"--min-size=1Q",), (b"--alert=a",) * 40, (b"-T5", b"--overhead=3", b"-vv"))):  # fmt: skip
        yield "run%d" % i, CUT.join([*(run if i else run[:2]), *words])
        yield "only%d" % i, CUT.join([b"", b"", *words])
    for i, words in enumerate(((b"--tls-cert=x",), (b"--tls-cert=x", b"--tls-key=y"), (b"--token-file", b"/fuzz.token"), (b"-h",),
                               (b"--user=nobody.at.all",), (b"--user=7", b"--name=["), (b"--listen=unix:",), (b"more",),
                               (b"--listen=1.2.3.4:80",), (b"--listen=localhost:x",), (b"--no-sandbox", b"--max-sites=0"))):  # fmt: skip
        yield "serve%d" % i, CUT.join([*serve, *words])
    for i, line in enumerate((b"config = x", b"quiet = maybe", b"verbose = yes", b"verbose = no\nquiet = no", b"none = 1", b"\0", b"listen",
                              b"token-file = /fuzz.token", b"token-file = /fuzz.none", b"# only\r\n\n", b"name = \n; x\n")):  # fmt: skip
        yield "line%d" % i, CUT.join([line, b"two words" if i & 1 else b"one\n", b"-q"])
    yield "pids", CUT.join([b"", b"", b"-p1,x", b"--mode", b"none", b"--alert", b"rss>1G", b"--sample", b"1e9"])


def record(kind, data, runs=(), lies=0):
    """One of fuzz_snapshot's: packed and hashed there."""
    return (struct.pack("<BBHB", kind, len(runs), len(data), lies) +
            b"".join(struct.pack("<QI", a, n)[:11] for a, n in runs) + data)  # fmt: skip


def snapshot():
    base = 0x7F0000000000
    so = compiled("-s", "-DVERSION=11", "-fPIC")
    process = (b"pid 42\nns_pid 42\nppid 1\nstart_ticks 7\nprogram 1 77\ncomm python3\n"
               b"memory 100 200 300 400 500 2\ntid 42\ntid 43\n")  # fmt: skip
    maps = (b"%x-%x r-xp 00000000 00:01 77 /usr/lib/libx.so\n%x-%x rw-p 00000000 00:00 0 \n" %
            (base, base + 0x2000, base + 0x10000, base + 0x14000))  # fmt: skip
    resident = struct.pack("<QQQII", base, base + 0x2000, 4096, 1, 0) + struct.pack("<QQQII", base + 0x10000, base + 0x14000, 8192, 0, 1)
    parts = [record(1, process), record(2, b"python3\0-m\0app\0"), record(3, maps), record(6, resident),
             record(5, so[:4096].ljust(4096, b"\0") + bytes(range(256)) * 16, [(base, 4096), (base + 0x11000, 4096)])]  # fmt: skip
    elf = record(4, b"/usr/lib/libx.so\0" + so)
    end = record(7, b"memory 1\n")
    yield "whole", b"\1" + b"".join(parts) + elf + end
    yield "rebuilt", b"\1" + b"".join(parts) + end
    yield "cut", b"\1" + b"".join(parts)
    yield "lies", b"\1" + b"".join(parts[:3]) + record(5, b"x" * 64, [(base, 64)], 1) + record(6, resident, (), 0x80) + end
    yield "file", b"\0pyleaksn" + struct.pack("<II", 1, 4096) + b"\0" * 40


def core():
    base = 0x7F0000000000
    so = compiled("-s", "-DVERSION=11", "-fPIC")

    def note(kind, data):
        return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + b"\0" * (-len(data) % 4)

    names = b"/fuzz.root/lib/libx.so\0/usr/bin/x\0"
    files = struct.pack("<QQ", 2, 4096) + struct.pack("<QQQ", base, base + 0x2000, 0) + struct.pack("<QQQ", base + 0x8000, base + 0x9000, 0)
    notes = (note(1, b"\0" * 32 + struct.pack("<i", 42) + b"\0" * 300) +
             note(3, struct.pack("<bbbbQIIiiii", 0, 82, 0, 0, 0, 0, 0, 42, 1, 1, 1) + b"python3".ljust(16, b"\0") +
                  b"python3 -m app".ljust(80, b"\0")) +
             note(6, struct.pack("<QQQQ", 3, base + 64, 25, base + 0x10100)) + note(0x46494C45, files + names))  # fmt: skip
    loads = [(base, 4096, 0x2000, 5), (base + 0x10000, 4096, 0x1000, 6), (base + 0x20000, 0, 0x4000, 6)]
    head = 64 + 56 * (1 + len(loads))
    at = (head + len(notes) + 15) & ~15
    phdrs = struct.pack("<IIQQQQQQ", 4, 0, head, 0, 0, len(notes), 0, 4)
    data = b""
    for addr, filesz, memsz, flags in loads:
        phdrs += struct.pack("<IIQQQQQQ", 1, flags, at + len(data), addr, 0, filesz, memsz, 4096)
        data += (so if flags == 5 else struct.pack("<QQ", 0, 0x291) + b"\1" * 4096).ljust(4096, b"\0")[:filesz]
    ehdr = b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1 + len(loads), 0, 0, 0)
    whole = (ehdr + phdrs + notes).ljust(at, b"\0") + data
    yield "file", so.replace(CUT, b"\0") + CUT + whole
    yield "nofile", CUT + whole


def http():
    for i, parts in enumerate(((b"", b"127.0.0.1:80", b"GET", b"/metrics", b"", b"GET", b"/metrics", b""),
                               (b"secret", b"[::1]:9477", b"GET", b"/report.json", b"Bearer secret", b"HEAD", b"/", b"bearer x"),
                               (b"s", b"unix:/x", b"POST", b"/healthz", b"", b"GET", b"/-/ready", b"Basic eDp5"))):  # fmt: skip
        yield str(i), CUT.join(parts)
        # Guests of all kinds behind it: alone and in crowds, for too long, some leaving.
        for step in (1, 7, 8, 13, 16, 29):
            yield "guests%d-%d" % (i, step), CUT.join([*parts, b"".join(bytes([k * step & 0xFF, k & 15]) for k in range(80))]).replace(CUT * 2, CUT)
    page = (b"", b":1", b"GET", b"/report.json", b"", b"GET", b"/report.json", b"")
    for even in (0, 1):
        yield "page%d" % even, CUT.join(page) + b"x" * even
    for asked in (b"", b"pid=7", b"pid=8", b"pid=9", b"pid=-1", b"pid=99999999999999999999", b"seconds=3", b"debug=1"):
        yield "profile-" + asked.decode(), CUT.join([b"", b":1", b"GET", b"/debug/pprof/heap", b"", b"GET", b"/debug/pprof/allocs", asked])
    for url in (b"/", b"/healthz", b"/-/ready", b"/none"):
        yield "url" + url.replace(b"/", b"-").decode(), CUT.join([b"", b"1.2.3.4:x", b"HEAD", url, b"", b"GET", url, b""])


def evidence():
    """The evidence of the test of the judge, which makes it by hand; and halves of it."""
    with tempfile.NamedTemporaryFile() as f:
        subprocess.run([os.path.join(TOP, "build/tests/unit/test_judge"), f.name], check=True)
        whole = slurp(f.name)
    yield "whole", whole
    yield "half", whole[:len(whole) // 2]


def main():
    makers = {n: f for n, f in globals().items() if callable(f) and f.__module__ == __name__ and
              os.path.exists("%s/fuzz_%s.c" % (HERE, n))}  # fmt: skip
    for name in sys.argv[1:] or sorted(makers):
        where = os.path.join(HERE, "corpus", name)
        os.makedirs(where, exist_ok=True)
        # A search names by a hash what it found.
        for old in (f for f in os.listdir(where) if not re.fullmatch("[0-9a-f]{40}", f)):
            os.unlink(os.path.join(where, old))
        for part, data in makers[name]():
            with open(os.path.join(where, part), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()

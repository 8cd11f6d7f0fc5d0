# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A running CPython seen from outside, for the walker's tests: symbols, thread states, frames.

Written apart from src/py on purpose: recordings and live checks made with it are a second opinion.
"""
import json
import os
import re
import struct
import subprocess

MAX_FRAMES = 128

# minor: _PyRuntime -> gilstate.tstate_current, autoTSSkey, interpreters.head;
#        interp -> threads.head; tstate -> thread_id
RUNTIME = {
    8: (1368, 1392, 32, 8, 176), 9: (568, 584, 32, 8, 176), 10: (568, 584, 32, 8, 176),
    11: (576, 592, 40, 16, 152), 12: (None, 1544, 40, 72, 136), 13: (None, 2160, 632, 7344, 152),
    14: (None, 2336, 808, 7344, 152), 15: (None, None, 936, 7336, 176),
}
# minor: tstate -> frame or cframe, cframe -> current_frame, code, back, instr, owner, bytes
FRAME = {
    8: (24, None, 32, 24, 104, None, 108), 9: (24, None, 32, 24, 104, None, 108),
    10: (24, None, 32, 24, 96, None, 100), 11: (56, 8, 32, 48, 56, 69, 72),
    12: (56, 0, 0, 8, 56, 70, 72), 13: (72, None, 0, 8, 56, 70, 72),
    14: (72, None, 0, 8, 56, 74, 80), 15: (72, None, 0, 8, 56, 74, 80),
}
# minor: co_code_adaptive, the base of prev_instr and instr_ptr
CODE = {11: 184, 12: 192, 13: 200, 14: 208, 15: 208}
GLOBAL, TLS, DTV = 1, 2, 3


class Elf:
    """Dynamic symbols and program headers of one file."""

    def __init__(self, path):
        with open(path, "rb") as f:
            d = self.data = f.read()
        self.kind, = struct.unpack_from("<H", d, 16)
        phoff, shoff = struct.unpack_from("<QQ", d, 32)
        phn, _, shn = struct.unpack_from("<HHH", d, 56)
        self.loads = []
        for i in range(phn):
            t, _, off, va, _, fsz, _, _ = struct.unpack_from("<IIQQQQQQ", d, phoff + 56 * i)
            if t == 1:
                self.loads.append((off, va, fsz))
        sh = [struct.unpack_from("<IIQQQQIIQQ", d, shoff + 64 * i) for i in range(shn)]
        self.sym = {}
        for s in sh:
            if s[1] != 11:  # SHT_DYNSYM
                continue
            strings = sh[s[6]][4]
            for off in range(s[4], s[4] + s[5], 24):
                name, _, _, shndx, value, _ = struct.unpack_from("<IBBHQQ", d, off)
                if shndx:
                    end = d.index(b"\0", strings + name)
                    self.sym[d[strings + name:end].decode()] = value

    def offset(self, va):
        for off, start, size in self.loads:
            if start <= va < start + size:
                return va - start + off
        raise ValueError(hex(va))


class PyProc:
    def __init__(self, pid, minor):
        self.pid, self.minor = pid, minor
        self.mem = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
        self.path, self.elf, self.bias = self._find()
        self.runtime = self.bias + self.elf.sym["_PyRuntime"]
        self.how, self.tstate_addr, self.tls_module, self.tls_offset = self._tstate()
        self.key = 0
        if RUNTIME[minor][1]:
            self.key = self.i32(self.runtime + RUNTIME[minor][1] + 4)

    def _find(self):
        rows = []
        with open("/proc/%d/maps" % self.pid) as f:
            for line in f:
                p = line.split(None, 5)
                if len(p) == 6 and p[5].startswith("/"):
                    rows.append((int(p[0].split("-")[0], 16), int(p[2], 16), p[5].strip()))
        seen = []
        for start, off, name in rows:
            if name in seen or "python" not in os.path.basename(name):
                continue
            seen.append(name)
            path = "/proc/%d/root%s" % (self.pid, name)
            if not os.path.exists(path):
                path = name
            elf = Elf(path)
            if "_PyRuntime" in elf.sym:
                first = elf.loads[0]
                bias = 0 if elf.kind == 2 else start - off - (first[1] - first[0] & ~4095)
                return path, elf, bias
        raise RuntimeError("no CPython in process %d" % self.pid)

    def read(self, addr, n):
        return os.pread(self.mem, n, addr)

    def u64(self, addr):
        return struct.unpack("<Q", self.read(addr, 8))[0]

    def i32(self, addr):
        return struct.unpack("<i", self.read(addr, 4))[0]

    def _tstate(self):
        """How a thread finds its state: decoded from the exported accessor from 3.12 on."""
        off = RUNTIME[self.minor][0]
        if off is not None:
            return GLOBAL, self.runtime + off, 0, 0
        names = ("PyThreadState_GetUnchecked", "_PyThreadState_UncheckedGet")
        at = self.bias + next(self.elf.sym[n] for n in names if n in self.elf.sym)
        text = self.read(at, 48)
        if text[:1] == b"\xe9":  # jmp: where nothing is inlined, the function is another one's name
            at += 5 + struct.unpack_from("<i", text, 1)[0]
            text = self.read(at, 48)
        i = text.find(b"\x64\x48\x8b\x04\x25")  # mov %fs:disp32,%rax
        if i >= 0:
            offset = struct.unpack_from("<i", text, i + 5)[0]
            if text[i + 9 : i + 12] == b"\x48\x8d\x80":  # lea disp32(%rax),%rax: a call of the linker's, relaxed
                offset += struct.unpack_from("<i", text, i + 12)[0]
            return TLS, 0, 0, offset
        i = text.index(b"\x48\x8d\x3d")  # lea pair(%rip),%rdi; call __tls_get_addr
        pair = at + i + 7 + struct.unpack_from("<i", text, i + 3)[0]
        mov = text.index(b"\x48\x8b", i + 12)  # mov K(%rax),%rax
        k = text[mov + 3] if text[mov + 2] == 0x40 else 0
        return DTV, 0, self.u64(pair), self.u64(pair + 8) + k

    def threads(self):
        """Thread states of the main interpreter, newest first."""
        _, _, head, threads, _ = RUNTIME[self.minor]
        ts = self.u64(self.u64(self.runtime + head) + threads)
        while ts:
            yield ts
            ts = self.u64(ts + 8)

    def thread_id(self, ts):
        return self.u64(ts + RUNTIME[self.minor][4])

    def code_and_instr(self, code, lasti):
        """The raw instruction word that a frame holds when it stands at byte offset @lasti."""
        if self.minor <= 9:
            return lasti & 0xffffffff
        if self.minor == 10:
            return (lasti // 2) & 0xffffffff
        return code + CODE[self.minor] + lasti

    def lasti(self, code, instr):
        if self.minor <= 10:
            return instr * (2 if self.minor == 10 else 1)
        return instr - code - CODE[self.minor]


def start_all(python, scenes, mode):
    """Run scenes under PYTHON or ROOT:PYTHON; returns the process, their truths, its minor version."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenes.py")) as f:
        text = f.read()
    root, _, exe = python.rpartition(":")
    argv = [exe, "-c", text, ",".join(scenes), mode]
    if root:
        argv = ["chroot", root] + argv
    # A scene runs this text a second time: a root may have neither this file nor /proc.
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env={**os.environ, "PYLEAK_TEST_SCENES": text})
    truths = {}
    for scene in scenes:
        if truths:
            p.stdin.write(b"\n")
            p.stdin.flush()
        truths[scene] = json.loads(p.stdout.readline())
    minor = int(re.search(r"3\.(\d+)", os.path.basename(os.path.realpath(root + exe))
                          if root or "pyenv" not in exe else exe).group(1))
    return p, truths, minor


def start(python, scene, mode):
    """The same with one scene: its truth."""
    p, truths, minor = start_all(python, (scene,), mode)
    return p, truths[scene], minor


def judge(py, truth, flags, frames):
    """None when the recorded stack is the true one, else what is wrong."""
    want = truth["frames"]
    if (flags & 1) != (len(want) > MAX_FRAMES) or flags & 2:
        return "flags %d with %d frames" % (flags, len(want))
    if len(frames) != min(len(want), MAX_FRAMES):
        return "%d frames of %d" % (len(frames), len(want))
    for i, ((code, instr), (name, wcode, lasti, line)) in enumerate(zip(frames, want)):
        if code != wcode:
            return "frame %d is not %s" % (i, name)
        if lasti is not None and instr != py.code_and_instr(code, lasti):
            return "frame %d (%s) at %d, not at %d" % (i, name, py.lasti(code, instr), lasti)
        if lasti is None:
            at = py.lasti(code, instr)
            got = [n for s, n in truth["lines"] if s <= at][-1]
            if got not in range(line, line + 8):  # stay() goes on to its last lines
                return "innermost line %d, not %d" % (got, line)
    return None

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Records what the walker's test replays: the words of a live Python's memory that lead to its stack.

usage: record.py DIR PYTHON...   writes DIR/3.X.txt; PYTHON may be ROOT:/usr/bin/python3.X

Each scene runs until it stands still inside a C call and is stopped. The stack is followed from
outside by this script, which shares nothing with the walker, and must equal what the program said of
itself through sys._getframe(); only then are the words and the stack written down:
  case NAME HELD FSBASE        HELD: the thread holds the GIL
  walk KEY=VALUE ...           where the thread finds its state
  w ADDRESS VALUE              a 64-bit word; only pages with a recorded word are there
  f CODE INSTR COUNT NAME      a frame of the stack, innermost first, COUNT times
All numbers are hexadecimal but COUNT.
"""
import os
import signal
import sys
import time

import pyproc

CASES = (("nested", "hold"), ("generator", "hold"), ("yield_from", "hold"), ("coroutine", "hold"),
         ("sorted", "hold"), ("class", "hold"), ("thread", "hold"), ("plain", "wait"),
         ("generator", "wait"), ("thread", "wait"), ("native", "hold"), ("native", "wait"))


class Recorder:
    """Reads words of a process and remembers them."""

    def __init__(self, py):
        self.py, self.words = py, {}

    def word(self, addr):
        assert addr % 8 == 0
        v = self.words[addr] = self.py.u64(addr)
        return v

    def tls(self, fsbase, offset):
        if self.py.how == pyproc.TLS:
            return self.word(fsbase + offset)
        block = self.word(self.word(fsbase + 8) + 16 * self.py.tls_module)
        return 0 if block in (0, 2**64 - 1) else self.word(block + offset)

    def tstate(self, fsbase):
        """(state that runs, state that is kept)"""
        py = self.py
        if py.how == pyproc.GLOBAL:
            running = self.word(py.tstate_addr)
        else:
            running = self.tls(fsbase, py.tls_offset)
        if py.minor < 15:
            kept = self.word(fsbase + 0x318 + 16 * py.key)
        else:
            kept = self.tls(fsbase, py.tls_offset - 8)
        for ts in running, kept:
            if ts:
                self.word(ts + pyproc.RUNTIME[py.minor][4])
        return running, kept

    def frames(self, ts):
        start, cframe, code, back, instr, owner, _ = pyproc.FRAME[self.py.minor]
        fr = self.word(ts + start)
        if cframe is not None:
            fr = self.word(fr + cframe)
        out = []
        while fr:
            if (fr + min(code, back)) // 4096 != fr // 4096:
                self.word(fr)  # or the page it begins in would not be there
            shim = owner is not None and self.word(fr + owner & ~7) >> 8 * (owner % 8) & 255 >= 3
            c, i = self.word(fr + code), self.word(fr + instr & ~7)
            if self.py.minor <= 10:
                i &= 0xffffffff
            if not shim:
                out.append((c & ~3 if self.py.minor >= 14 else c, i))
            fr = self.word(fr + back)
        return out


def stand_still(pid):
    """Wait until the interpreter is inside its long call, then stop it."""
    time.sleep(0.3)
    os.kill(pid, signal.SIGSTOP)
    for _ in range(100):
        with open("/proc/%d/stat" % pid) as f:
            if f.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        time.sleep(0.01)
    raise RuntimeError("process %d does not stop" % pid)


def record(out, python, scene, mode):
    p, truth, minor = pyproc.start(python, scene, mode)
    try:
        stand_still(p.pid)
        py = pyproc.PyProc(p.pid, minor)
        r = Recorder(py)
        fsbase = truth["native"] or truth["thread"]
        running, kept = r.tstate(fsbase)
        held = mode == "hold" and not truth["native"]
        frames = []
        if truth["native"]:
            assert not kept, "a native thread with a Python state"
        else:
            assert (running == kept) if held else (running != kept), "GIL"
            frames = r.frames(kept)
            wrong = pyproc.judge(py, truth, 0, frames)
            assert not wrong, wrong
        out.write("case %s_%s %d %x\n" % (scene, mode, held, fsbase))
        out.write("walk how=%x addr=%x module=%x offset=%x key=%x\n" % (
            py.how, py.tstate_addr, py.tls_module, py.tls_offset & 2**64 - 1, py.key))
        for addr in sorted(r.words):
            out.write("w %x %x\n" % (addr, r.words[addr]))
        names = [f[0] for f in truth["frames"]]
        i = 0
        while i < len(frames):
            n = 1
            while i + n < len(frames) and frames[i + n] == frames[i]:
                n += 1
            out.write("f %x %x %d %s\n" % (frames[i] + (n, names[i])))
            i += n
    finally:
        p.kill()
        p.wait()


def main():
    for python in sys.argv[2:]:
        p, _, minor = pyproc.start(python, "plain", "wait")
        p.kill()
        p.wait()
        tmp = os.path.join(sys.argv[1], ".3.%d.txt" % minor)
        with open(tmp, "w") as out:
            out.write("minor %d\n" % minor)
            for scene, mode in CASES:
                record(out, python, scene, mode)
        os.rename(tmp, os.path.join(sys.argv[1], "3.%d.txt" % minor))
        print("3.%d" % minor, flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pictures of the full-screen view in tmux, before, during and after a leak: screens.py --tool build/pyleak-bpf DIR

A small service starts, begins to leak after a quarter of a minute, and stops leaking half a minute later. As root; takes 90 s.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

SERVICE = '''"""Answers requests, and for a while keeps each session that it should forget."""
import sys
import time

SESSIONS = {}


class Session:
    def __init__(self, user):
        self.user, self.seen = user, time.time()


def login(n):
    return Session("user %d" % n)


def serve(n, keeps):
    words = [str(i) for i in range(40)]
    session = login(n)
    if keeps:
        SESSIONS[n] = session
    return len(" ".join(words))


def main():
    begin = time.monotonic()
    for n in range(10**9):
        serve(n, float(sys.argv[1]) < time.monotonic() - begin < float(sys.argv[2]))
        time.sleep(0.0005)


main()
'''
SIZES = ((80, 24), (160, 50))
WAIT_S = 1.5  # for the picture of a new size


class Tmux:
    def __init__(self, command):
        self.name = "pyleak-screens-%d" % os.getpid()
        cols, rows = SIZES[0]
        env = {**os.environ, "LANG": "C.UTF-8"}
        subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", "new", "-d", "-x", str(cols), "-y", str(rows), command],
                       check=True, env=env)  # fmt: skip

    def tmux(self, *args):
        return subprocess.run(["tmux", "-L", self.name, *map(str, args)], check=True, capture_output=True, text=True).stdout

    def capture(self, path, sizes=SIZES):
        for cols, rows in reversed(sizes):
            self.tmux("resize-window", "-x", cols, "-y", rows)
            time.sleep(WAIT_S)
            with open("%s-%dx%d.txt" % (path, cols, rows), "w", encoding="utf-8") as f:
                f.write(self.tmux("capture-pane", "-p").rstrip("\n") + "\n")

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], check=False, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--from-s", type=float, default=15)
    parser.add_argument("--until-s", type=float, default=50)
    parser.add_argument("--record", help="keep the recording, too")
    parser.add_argument("dir")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-") as tmp:
        script = os.path.join(tmp, "web.py")
        with open(script, "w", encoding="utf-8") as f:
            f.write(SERVICE)
        begin = time.monotonic()
        target = subprocess.Popen([sys.executable, script, str(args.from_s), str(args.until_s)])
        record = " --record %s" % os.path.abspath(args.record) if args.record else ""
        screen = Tmux("%s -p %d%s" % (os.path.abspath(args.tool), target.pid, record))
        try:
            time.sleep(0.8)
            screen.capture(os.path.join(args.dir, "attaching"), SIZES[:1])
            for name, at in (("before", args.from_s - 3), ("during", args.until_s - 6)):
                time.sleep(max(0, begin + at - time.monotonic()))
                screen.capture(os.path.join(args.dir, name))
            screen.tmux("send-keys", "Enter")
            screen.capture(os.path.join(args.dir, "line"))
            screen.tmux("send-keys", "Escape")
            time.sleep(max(0, begin + args.until_s + 30 - time.monotonic()))
            screen.capture(os.path.join(args.dir, "after"))
            screen.tmux("send-keys", "q")
            time.sleep(4)
        finally:
            screen.close()
            target.kill()


if __name__ == "__main__":
    main()

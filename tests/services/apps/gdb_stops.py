# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A breakpoint of gdb that looks and goes on; planted: it keeps a dict for each stop."""
import gdb
import truth


class Look(gdb.Breakpoint):
    seen = []

    def stop(self):
        n = int(gdb.parse_and_eval("n"))
        if truth.PLANTED == "stop":
            self.seen.append({"n": n})  # LEAK stop
            truth.leaked()
        truth.work(n)
        return False


Look("step")
gdb.execute("run")

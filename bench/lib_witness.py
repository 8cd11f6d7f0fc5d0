# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sees a start take long while it does, and writes down where in the kernel it waits, and where the tool's threads are."""
import contextlib
import glob
import threading

LOOK_S = 0.01
LONG_MS = 50
DEPTH = 6  # functions of a stack that tell one wait from another
COMMON = ("entry_SYSCALL_64_after_hwframe", "do_syscall_64", "x64_sys_call", "ret_from_fork_asm", "ret_from_fork")
# A thread that wants to run, and was asleep or in its own code before, has none of the kernel's locks.
AT_REST = ("poll_schedule_timeout", "futex_", "hrtimer_nanosleep", "exit_to_user_mode", "irqentry_exit_to_user", "ep_poll")


def text(path):
    with contextlib.suppress(OSError), open(path, errors="replace") as f:
        return f.read()
    return ""


def stack(task):
    """Names of functions, innermost first."""
    names = [line.rpartition(" ")[2].partition("+")[0] for line in text(task + "/stack").splitlines()]
    return " < ".join([n for n in names if n not in COMMON][:DEPTH])


def waits(loops):
    """{place: tasks} of the loops, their children, the tool, and whoever sleeps without a signal being heard."""
    found = {}
    for task in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        name, _, rest = text(task + "/stat").partition("(")[2].rpartition(")")
        state = rest.split()[0] if rest else "X"
        is_ours = name in loops or name.startswith("pyleak")
        if not is_ours and state != "D":
            continue
        where = stack(task)
        # A thread that waits for work keeps nobody waiting; one that waits for FUSE does, and a signal is heard there.
        if where.startswith(AT_REST) and name not in loops:
            continue
        if where and (state in "DR" or name in loops or "fuse" in where or "request_wait" in where):
            found.setdefault("%s %s: %s" % (name, state, where), []).append(int(task.rpartition("/")[2]))
    return found


class Witness:
    """Looks at some Starts from a thread of its own. seen: a dictionary for each start that took longer than LONG_MS."""

    def __init__(self, starts):
        self.starts, self.seen = starts, []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        looked = set()
        while not self.ended.wait(LOOK_S):
            for s in self.starts:
                ms, begun = s.waits_ms()
                if ms > LONG_MS and begun not in looked:
                    looked.add(begun)
                    self.seen.append({"what": s.what, "begun_ns": begun, "after_ms": ms, "waits": waits({"starts"})})

    def close(self):
        self.ended.set()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

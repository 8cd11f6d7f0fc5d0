# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The verdict expected of each zoo program, and reading the marks in its source."""
import dataclasses
import os

from pythons import ZOO


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    leaks: bool = True
    # The guilty line calls a Python function of the standard library that calls into C: the frame
    # to compare is the innermost one of the program's own files.
    through_library: bool = False
    # The program's own estimate of the bytes is that of one object with nothing around it.
    bytes_known: bool = False
    # How long it must be watched for, where that is longer than usual.
    seconds: int = 0

    def marked(self, word):
        with open(os.path.join(ZOO, self.name + ".py")) as f:
            return {n for n, text in enumerate(f, 1) if "# " + word in text}

    @property
    def guilty(self):
        return self.marked("LEAK")

    @property
    def grows(self):
        """Lines where the container of the leaked objects itself grows: true, but not the point."""
        return self.marked("GROWS")


PROGRAMS = {
    p.name: p
    for p in (
        Program("dicts"),
        Program("instances"),
        Program("slots", bytes_known=True),
        Program("floats"),
        Program("strkeys"),
        Program("bytes4k", bytes_known=True),
        Program("bytes100k", bytes_known=True),
        Program("bytearrays"),
        Program("thread"),
        Program("coroutine"),
        Program("generator"),
        Program("recursion"),
        Program("json_loads", through_library=True),
        Program("re_findall", through_library=True),
        Program("str_split"),
        Program("ctypes_malloc", bytes_known=True),
        # 20 births in a million, of which one in a hundred is seen: five in 20 s, and now and then none.
        Program("slow", seconds=60),
        Program("twin_cache", leaks=False),
        Program("twin_churn", leaks=False),
        Program("twin_sawtooth", leaks=False),
        Program("twin_cycles", leaks=False),
    )
}

STORM = Program("storm")
AFTER_DEATH = Program("after_death")

# Run by `make test` on Debian 12's Python, and on its others; the rest of the product is `make matrix`.
CORE = ("ctypes_malloc",)
EVERYWHERE = ("instances",)

# Under another kernel, in software emulation.
VM_SET = ("dicts", "slots", "floats", "bytes4k", "thread", "str_split", "twin_cache", "twin_churn")

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Roots that hold what they point to, and those that do not."""
import contextlib
import subprocess

import pytest
import pythons
from test_why import ask


@contextlib.contextmanager
def program(python, text, **environment):
    """It runs, and has said that it is ready: (its process, its first line)."""
    command = ["chroot", python.root] if python.root else []
    process = subprocess.Popen(command + [python.path, "-c", text], stdout=subprocess.PIPE, text=True, **environment)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


NAMES = """import gc, time
gc.disable()
class T: pass
def cycle(i):
    t = T()
    setattr(t, "name%d" % i, t)
    return id(next(iter(t.__dict__)))
names = [hex(cycle(i)) for i in range(4000)]
print(names[2000], flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("python", [pythons.host()] + [p for p in pythons.debian_roots() if p.minor >= 13], ids=lambda p: p.name)
def test_the_table_of_names_is_no_holder(python):
    with program(python, NAMES) as (process, name):
        path = ask(process.pid, "--addr", name)["paths"][0]
    assert path["root"] == "cycle", path["path"]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real packages: memory that their C code keeps comes back as the line that called them, with the
library that took it."""
import concurrent.futures
import os
import subprocess
import tempfile

import pytest

import harness
import native_ext
import pythons
from until import Until, sites_of

PROGRAM = os.path.join(native_ext.SOURCES, "packages.py")
# The library that must stand between the line and the allocator.
LIBRARY = {
    "numpy": "_multiarray_umath",
    "base": "_multiarray_umath",
    "PIL": "_imaging",
    "zlib": "libz.so",
    "lxml": "libxml2",
    "sqlite3": "libsqlite3",
    "ssl": "libcrypto",
}
KINDS = {"calm": ["numpy", "base", "PIL", "zlib"], "busy": ["lxml", "sqlite3", "ssl"]}
SECONDS = 80  # a rare line among many calls is seen in few windows ...
MORE = ("--overhead", 40, "-v")  # ... and beside other tests the program has little CPU time to spend of
IN_A_ROW = 4  # such reports, one each two seconds, end the watch


def sites_at(process, mark):
    """Sites whose innermost frame in the program is the marked line; what the package does in Python
    may lie above."""
    line = native_ext.line_of(PROGRAM, "# LEAK: " + mark)
    for site in process["sites"]:
        mine = [f for f in site["stack"] if f["lang"] == "python" and f["file"] == PROGRAM]
        if mine and mine[0]["line"] == line:
            yield site


def libraries(site):
    """Modules of the native frames in front of the first Python frame."""
    for frame in site["stack"]:
        if frame["lang"] == "python":
            return
        yield os.path.basename(frame["module"])


def missing(process, kind):
    return [m for m in KINDS[kind]
            if not any(lib.startswith(LIBRARY[m]) for s in sites_at(process, m) for lib in libraries(s))]  # fmt: skip


def told(text):
    """Is all of this file told of the calm ones? Each by its line, its library, and its hint."""
    at = {m: ["%s:%d " % (PROGRAM, native_ext.line_of(PROGRAM, "# LEAK: " + m))] for m in KINDS["calm"]}
    of_blocks = {m: at[m] + [LIBRARY[m]] for m in at}
    wanted = [*of_blocks.values(), at["base"] + [" blocks/s", "view-pins-base: "], at["base"] + [" objects/s", "view-pins-base: "],
              at["numpy"] + [" objects/s", "unbounded-container: "]]  # fmt: skip
    sites = sites_of(text)
    return all(any(all(w in site for w in words) for site in sites) for words in wanted)


def watch(kind):
    with tempfile.TemporaryDirectory(prefix="pyleak-packages-") as where:
        ready = os.path.join(where, "ready")
        target = subprocess.Popen([pythons.HOST, "-B", PROGRAM, ready, kind])
        try:
            harness.wait_file(ready, target, 90)
            run = harness.run_tool(target.pid, SECONDS, MORE, until=Until(told, IN_A_ROW) if kind == "calm" else None)
            assert run.rc == 0, run.stderr
            assert target.poll() is None, "the target died"
            harness.keep_accepted(run.recording, "packages-%s" % kind, run.report)
            return run.report
        finally:
            target.kill()
            target.wait()


@pytest.fixture(scope="module")
def reports(full):
    kinds = list(KINDS) if full else ["calm"]
    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        return dict(zip(kinds, pool.map(watch, kinds)))


@pytest.mark.parametrize("kind", ["calm", pytest.param("busy", marks=pytest.mark.matrix)])
def test_libraries_are_named(reports, kind):
    process = reports[kind]["processes"][0]
    assert not harness.validate(reports[kind])
    for site in process["sites"]:
        print(site["kind"], site["verdict"], [(f["function"], f.get("module", f["line"])) for f in site["stack"]])
    assert not missing(process, kind)


def test_view_pins_its_base(reports):
    """The memory of the base comes back as the base's line; what keeps it is the view."""
    found = {s["kind"]: s for s in sites_at(reports["calm"]["processes"][0], "base")}
    for kind in ("heap", "object"):
        assert found[kind]["hint"]["code"] == "view-pins-base" and "view.copy()" in found[kind]["hint"]["text"]
        assert "numpy.ndarray → .base (numpy.ndarray)" in found[kind]["held_by"]["path"]
    kept = {s["kind"]: s for s in sites_at(reports["calm"]["processes"][0], "numpy")}
    assert kept["object"]["hint"]["code"] == "unbounded-container"

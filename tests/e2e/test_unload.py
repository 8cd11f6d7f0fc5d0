# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A library that is gone before the stack through it is unwound."""
import os
import tempfile

import harness
import native_ext
import pythons

PROGRAM = os.path.join(native_ext.SOURCES, "unloads.py")


def test_library_unloaded_meanwhile():
    with tempfile.TemporaryDirectory(prefix="pyleak-unload-") as where:
        library, ready = os.path.join(where, "plugin.so"), os.path.join(where, "ready")
        native_ext.run("gcc", *native_ext.PLAIN, "-o", library, os.path.join(native_ext.SOURCES, "plugin.c"))
        run = harness.run_ready([pythons.HOST, "-B", PROGRAM, library, ready], ready, seconds=25)
    process = run.report["processes"][0]
    line = native_ext.line_of(PROGRAM, "# LEAK")
    (site,) = [s for s in process["sites"] if s["kind"] == "heap" and
               [f["line"] for f in s["stack"] if f["lang"] == "python"][:1] == [line]]  # fmt: skip
    native = [f for f in site["stack"] if f["lang"] == "native"]
    print(native, process["lost"])
    # Either its maps were read while the library was there, or nobody knows: no name of another's.
    assert native and native[0]["function"] in ("plugin_take", None)
    if native[0]["function"] is None:
        assert native[0]["module"] == "" and process["lost"]["native_stack_cut"] >= 1
    else:
        assert native[1]["function"] == "plugin_leak"

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Leaks of C and C++ code: each named by its function, below the Python line that called it."""
import os
import subprocess
import tempfile

import pytest

import harness
import native_ext
import pythons
from until import Until, sites_of

PROGRAM = os.path.join(native_ext.SOURCES, "program.py")
C_SOURCE = os.path.join(native_ext.SOURCES, "leaky.c")


def includes(python):
    run = subprocess.run([python.path, "-c", "import sysconfig; print(sysconfig.get_path('include'))"],
                         capture_output=True, text=True, check=True)  # fmt: skip
    return run.stdout.strip()


# Those others that extensions can be built for.
HEADERS = [p for p in pythons.params([pythons.host()])
           if not p.values[0].root and not p.values[0].is_musl and os.path.exists(includes(p.values[0]) + "/Python.h")]


# Lines of blocks that are to be told.
BLOCKS = ("debug", "stripped", "mini", "separate", "link", "zlib", "zstd", "cpp", "callback")
IN_A_ROW = 3  # such reports, one each two seconds, end the watch


def told(text):
    """Are all lines told, how the list and the thread's blocks were made, and that nothing holds the blocks of one?"""
    at = {mark: "%s:%d " % (PROGRAM, native_ext.line_of(PROGRAM, "# LEAK: " + mark)) for mark in (*BLOCKS, "decref")}
    wanted = [(at[mark], " blocks/s") for mark in BLOCKS]
    wanted += [(at["debug"], "   unreferenced: "), (at["decref"], "make_list"), ("serve_one", " blocks/s")]
    sites = sites_of(text)
    return all(any(all(w in site for w in words) for site in sites) for words in wanted)


@pytest.fixture(scope="module", params=HEADERS)
def report(request):
    """One run on one process that leaks in all the ways."""
    python = request.param
    with tempfile.TemporaryDirectory(prefix="pyleak-native-") as where:
        os.chmod(where, 0o755)
        debug = native_ext.build_all(where, includes(python))
        ready = os.path.join(where, "ready")
        target = subprocess.Popen([python.path, "-B", PROGRAM, where, ready])
        try:
            harness.wait_file(ready, target)
            # Beside other tests the last search for who holds the blocks may still go on when the time is up.
            more = ("--overhead", 10, "--wait", 20, "-v", "--top", 30)
            run = harness.run_tool(target.pid, args=more, until=Until(told, IN_A_ROW))
            assert target.poll() is None, "the target died"
        finally:
            target.kill()
            target.wait()
            os.unlink(debug)
        assert run.rc == 0, run.stderr
        assert not harness.validate(run.report)
        print(run.stdout)
        harness.keep_accepted(run.recording, "native-%s" % python.name, run.report)
        return run.report["processes"][0]


def python_frames(site):
    return [f for f in site["stack"] if f["lang"] == "python"]


def site_at(process, mark, kind):
    line = native_ext.line_of(PROGRAM, "# " + mark)
    for site in process["sites"]:
        frames = python_frames(site)
        if frames and site["kind"] == kind and (frames[0]["file"], frames[0]["line"]) == (PROGRAM, line):
            return site
    raise AssertionError("no %s site at line %d (%s): %s" % (
        kind, line, mark, [(s["kind"], s["stack"][:3]) for s in process["sites"]]))  # fmt: skip


def native_until_python(site):
    """The native frames in front of the innermost Python frame."""
    out = []
    for frame in site["stack"]:
        if frame["lang"] == "python":
            break
        out.append(frame)
    return out


def ours(frames, module):
    return [f for f in frames if os.path.basename(f["module"]) == module + ".so"]


FUNCTIONS = ["take_block", "build_record", "no_free"]


def test_missing_free_with_lines(report):
    site = site_at(report, "LEAK: debug", "heap")
    frames = ours(native_until_python(site), "leaky_debug")
    assert [f["function"] for f in frames] == FUNCTIONS
    assert site["hint"]["code"] == "unreferenced" and "take_block" in site["hint"]["text"]
    assert site["held_by"]["path"].startswith("unreferenced")
    assert [os.path.basename(f["file"]) for f in frames] == ["leaky.c"] * 3
    assert frames[0]["line"] == native_ext.line_of(C_SOURCE, "/* LINE: take_block")
    assert frames[2]["line"] == native_ext.line_of(C_SOURCE, "/* LINE: no_free")


def test_stripped_names_nothing_wrong(report):
    frames = ours(native_until_python(site_at(report, "LEAK: stripped", "heap")), "leaky_stripped")
    # The one that is exported keeps its name, and Python knows that of the method.
    assert [f["function"] for f in frames] == [None, "build_record", "no_free"]
    assert all(f["line"] is None for f in frames)


def test_mini_debug_information(report):
    frames = ours(native_until_python(site_at(report, "LEAK: mini", "heap")), "leaky_mini")
    assert [f["function"] for f in frames] == FUNCTIONS


def test_separate_debug_file(report):
    frames = ours(native_until_python(site_at(report, "LEAK: separate", "heap")), "leaky_separate")
    assert [f["function"] for f in frames] == FUNCTIONS
    assert frames[0]["line"] == native_ext.line_of(C_SOURCE, "/* LINE: take_block")


@pytest.mark.parametrize("how", ("link", "zlib"))
def test_debug_link_and_packed_sections(report, how):
    frames = ours(native_until_python(site_at(report, "LEAK: " + how, "heap")), "leaky_" + how)
    assert [f["function"] for f in frames] == FUNCTIONS
    assert frames[0]["line"] == native_ext.line_of(C_SOURCE, "/* LINE: take_block")


def test_zstd_sections_hide_no_names(report):
    """Whether lines can be had depends on libelf; functions come from the table of symbols."""
    frames = ours(native_until_python(site_at(report, "LEAK: zstd", "heap")), "leaky_zstd")
    assert [f["function"] for f in frames] == FUNCTIONS
    assert frames[0]["line"] in (None, native_ext.line_of(C_SOURCE, "/* LINE: take_block"))


def test_cpp_names_are_readable(report):
    frames = ours(native_until_python(site_at(report, "LEAK: cpp", "heap")), "leaky_cpp")
    functions = [f["function"] for f in frames]
    assert "shop::Cache<double>::add" in functions, functions
    assert functions[-1] == "shop::remember"


def test_callback_interleaves(report):
    site = site_at(report, "LEAK: callback", "heap")
    # Only what is the program's and the extension's, in its order.
    names = [f["function"] for f in site["stack"]
             if f["lang"] == "python" or f["module"].endswith("leaky_debug.so")]  # fmt: skip
    assert names == FUNCTIONS + ["store", "call_back", "call", "request", "<module>"]
    assert python_frames(site)[1]["line"] == native_ext.line_of(PROGRAM, "# CALLS BACK")


def test_missing_decref_names_its_maker(report):
    site = site_at(report, "LEAK: decref", "object")
    assert site["types"][0]["name"] == "list"
    frames = ours(native_until_python(site), "leaky_debug")
    assert [f["function"] for f in frames] == ["make_list", "no_decref"]
    assert frames[0]["line"] == native_ext.line_of(C_SOURCE, "/* LINE: make_list")


def test_thread_without_python(report):
    sites = [s for s in report["sites"] if not python_frames(s)]
    functions = [[f["function"] for f in ours(s["stack"], "leaky_debug")] for s in sites]
    assert ["take_block", "serve_one", "work"] in functions, functions


def test_no_native_stack_is_missing(report):
    assert report["lost"]["native_stack_missing"] == 0

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every reader of what may lie, under the sanitizers: the inputs that once broke it, then a short search with the same
seed each time. `make fuzz` searches for longer and elsewhere."""
import glob
import os

import pytest
import run

TOP = os.path.dirname(os.path.dirname(run.HERE))
BUILD = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "fuzz")
SECONDS = int(os.environ.get("PYLEAK_FUZZ_SECONDS", "1"))
LEAST, RUNS = 200, 400  # of a target, the kept inputs among them; in the matrix as many as there is time for
SEED = int(os.environ.get("PYLEAK_FUZZ_SEED", "1"))


@pytest.fixture
def build(tmp_path):
    """As the build directory, with nothing in it that earlier runs have found."""
    os.symlink(os.path.join(BUILD, "san"), tmp_path / "san")
    return str(tmp_path)


@pytest.mark.parametrize("name", run.names())
def test_sanitizers_are_in(name):
    """Without them an input that is read too far passes."""
    with open(os.path.join(BUILD, "san", "fuzz_" + name), "rb") as f:
        program = f.read()
    assert b"__asan_init" in program and b"__ubsan_handle_add_overflow_abort" in program


@pytest.mark.parametrize("name", run.names())
def test_says_what_it_drives(name):
    assert run.readers(name)
    for path in run.readers(name):
        assert os.path.exists(os.path.join(TOP, path)), path


@pytest.mark.parametrize("name", sorted(os.listdir(run.HERE + "/regress")))
def test_what_once_broke_it_is_searched_first(name):
    """libFuzzer runs all inputs that are kept before it makes any; none is cut to the greatest length."""
    inputs = glob.glob(os.path.join(run.HERE, "regress", name, "*"))
    assert name in run.names() and os.path.dirname(inputs[0]) in run.kept(name, BUILD)
    assert max(map(os.path.getsize, inputs)) <= run.longest(name)


@pytest.mark.parametrize("name", run.names())
def test_search(name, build, full):
    if full or SECONDS > 1:
        found = run.run(name, build, SECONDS, SEED, least=LEAST)
    else:
        found = run.search(name, build, ["-runs=%d" % RUNS], SEED, 240)
    assert not found["failed"], found["text"][-4000:]
    # A reader that stops at the first input would find nothing either.
    assert found["runs"] >= LEAST, found
    print("%s: %d runs, %.0f in a second" % (name, found["runs"], found["runs"] / found["seconds"]))

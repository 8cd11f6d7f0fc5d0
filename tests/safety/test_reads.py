# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages that are not in memory stay out of it: swapped ones, what was never touched, storage that is silent."""
import concurrent.futures
import contextlib
import json
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lib_commands  # noqa: E402
import lib_groups  # noqa: E402
import lib_target  # noqa: E402

MIB = 1 << 20
THINGS = 150000  # of target.py, all of them swapped out
# So much must come back for the process to be understood, and the program itself uses some meanwhile.
NEEDED = 1 * MIB
WATCH = lib_commands.Command("-p {pid} -d 5 -q --json {dir}/report.json", 5)
READ_ALL = lib_commands.Command("census -p {pid} -q --swapped")


@pytest.fixture(scope="module", name="swap")
def make_swap():
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lib_groups.swap())
        except OSError as e:
            pytest.skip("no swap file can be on here: %s" % e)
        yield


@pytest.fixture(scope="module", name="program")
def start_program(swap):
    with lib_target.Target("swapped") as target:
        yield target


@pytest.fixture(name="swapped")
def still_swapped(program):
    """One program for all tests, as they leave its pages where they are, but for the last of them."""
    assert program.usage()["swap"] > 24 * MIB
    return program


def run(command, target):
    return lib_commands.run(command, target.pid, target.directory)


def report(target, args, **command):
    path = os.path.join(target.directory, "report.json")
    command = lib_commands.Command(args + " --json " + path, **command)
    done = run(command, target)
    assert done.status == 0, done.output
    with open(path) as f:
        return json.load(f)["processes"][0], done.output


@pytest.mark.parametrize("args", ["census -p {pid} -q", "-p {pid} -d 6 -q"])
def test_swapped_pages_are_counted_and_stay_out(swapped, args):
    before = swapped.usage()
    process, text = report(swapped, args)
    after = swapped.usage()
    assert before["swap"] - after["swap"] < NEEDED, (before, after)
    assert process["lost"]["pages_swapped"] > 0
    assert re.search(r"MiB are swapped out and were not read; --swapped", text), text
    assert not list(swapped.harm())


def test_why_says_that_it_does_not_know(swapped):
    before = swapped.usage()
    done = run(lib_commands.Command("why -p {pid} -q --type Thing"), swapped)
    assert before["swap"] - swapped.usage()["swap"] < NEEDED
    assert done.status == 0 and "--swapped reads it" in done.output, done.output
    assert "nobody" not in done.output and "no reference" not in done.output, done.output


def test_there_must_be_room_for_what_comes_back(swapped):
    before = swapped.usage()
    swapped.group.limit(swapped.group.read("charge") + 8 * MIB)
    done = run(READ_ALL, swapped)
    swapped.group.limit(1 << 40)
    assert done.status == 1 and "it would pay for it" in done.output, done.output
    assert before["swap"] - swapped.usage()["swap"] < NEEDED
    assert not list(swapped.harm())


def test_a_leak_is_found_in_a_process_that_is_swapped_out(swapped):
    process, text = report(swapped, "-p {pid} -d 20 -i 2", seconds=20, until=("target.py:",))
    lines = [s["stack"][0]["function"] for s in process["sites"] if s["stack"]]
    assert {"work", "Thing.__init__"} & set(lines), text


def test_whoever_asks_for_it_has_all_of_it_read(swapped):
    process, _ = report(swapped, "census -p {pid} -q --swapped")
    things = [t["count"] for t in process["types"] if t["name"] == "__main__.Thing"]
    assert things and things[0] >= THINGS
    assert process["lost"]["pages_swapped"] == 0
    assert swapped.usage()["swap"] < 8 * MIB


def test_memory_that_is_only_reserved_costs_nothing():
    """255 GiB with a page in the middle: as much memory as without them, and about as long."""
    with lib_target.Target("thp") as thp, lib_target.Target("sparse") as sparse, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for command in (lib_commands.COMMANDS["census"], lib_commands.COMMANDS["why --type"], WATCH):
            without, reserved = pool.map(lambda target, c=command: run(c, target), (thp, sparse))
            assert not without.status and not reserved.status, (without.output, reserved.output)
            assert reserved.peak_rss < without.peak_rss + 12 * MIB, command
            assert reserved.seconds < 2 * without.seconds + 5, command

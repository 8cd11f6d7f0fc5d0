# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The short form of room.py: a target at the limit of its memory group lives, watched or not, and the report says which."""
import concurrent.futures
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import room  # noqa: E402

pytestmark = pytest.mark.calm


@pytest.fixture(scope="module", autouse=True)
def groups():
    try:
        room.lib_target.lib_groups.Group("memory", "probe").close()
    except OSError as e:
        pytest.skip(str(e))


def judge(row, attaches):
    print(room.line(row))
    if not row["attaches"]:
        pytest.skip("here such a target does not live alone")
    assert not row["killed"] and not row["silent"] and row["attaches"] == attaches, room.line(row)
    # A tool that never attached would kill nobody.
    assert row["probed"] or row["room_mib"] < 2 or attaches < room.ATTACHES, room.line(row)


@pytest.fixture(scope="module")
def few():
    """All amounts side by side: a target waits for its watch most of the time."""
    with concurrent.futures.ThreadPoolExecutor(len(room.ROOMS)) as pool:
        return dict(zip(room.ROOMS, pool.map(lambda mib: room.measure(mib, 2, 1), room.ROOMS)))


@pytest.mark.parametrize("mib", room.ROOMS)
def test_few_attaches_kill_no_target(mib, few):
    judge(few[mib], 2)


@pytest.mark.matrix
@pytest.mark.parametrize("mib", room.ROOMS)
def test_many_attaches_kill_no_target(mib):
    judge(room.measure(mib, room.ATTACHES, 4), room.ATTACHES)

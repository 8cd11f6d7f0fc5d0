# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every program on Debian 12's Python, some (or, in the full matrix, all) on every other one."""
import harness
import pythons
import zoo


def pytest_generate_tests(metafunc):
    if "cell" not in metafunc.fixturenames:
        return
    names = list(zoo.PROGRAMS)
    everywhere = names if metafunc.config.getoption("--matrix") == "full" else zoo.EVERYWHERE
    cells = [(pythons.host(), zoo.PROGRAMS[n]) for n in names]
    cells += [(p, zoo.PROGRAMS[n]) for p in pythons.others() for n in everywhere]
    metafunc.parametrize("cell", cells, ids=["%s-%s" % (p.name, z.name) for p, z in cells])


def test_cell(cell, cells, request):
    result = cells[request.node.nodeid].result()
    harness.report_result(result)
    assert result.ok, "; ".join(result.problems)

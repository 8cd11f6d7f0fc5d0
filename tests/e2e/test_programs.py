# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""All that is put into the kernel is taken by it: births, native blocks, descriptors, children. Quick, as it is also run under
the kernels of test_vm.py."""
import harness
import pythons


def test_every_program_is_loaded():
    with harness.Target(pythons.host(), "fds/files") as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 5, ["-v", "--children"])
        assert target.alive()
    assert run.rc == 0, run.stderr
    assert "birth sites" in run.stderr and "children: 0 started" in run.stdout
    process = run.report["processes"][0]
    assert process["probe"]["mechanism"] != "none" and process["probe"]["on_s"] > 0
    assert process["fds"]["lines_from"] == "libc"
    assert " note: " not in run.stdout, run.stdout

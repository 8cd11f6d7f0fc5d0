# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A build without the packages says which are missing, and how they are installed."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_missing_packages_are_told_before_anything_is_built(tmp_path):
    done = subprocess.run(["make", "-C", TOP, "O=%s" % tmp_path, "CLANG=no-clang-here", "PKG_CONFIG_LIBDIR=%s" % tmp_path],
                          capture_output=True, text=True, timeout=60, check=False,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})  # fmt: skip
    assert done.returncode == 2 and not os.listdir(tmp_path)
    (line,) = [x for x in done.stderr.splitlines() if not x.startswith("make")]
    assert line.startswith("missing: no-clang-here libbpf ") and line.endswith("; make deps installs it")

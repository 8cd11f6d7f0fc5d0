# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The directory that root keeps roots and kernels in, and runs them from, is nobody else's."""
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(os.path.dirname(HERE), "cache.sh")
NOBODY = 65534


def ask(where):
    return subprocess.run([SCRIPT, "roots"], env={**os.environ, "PYLEAK_CACHE": str(where)}, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip


def is_refused(where):
    r = ask(where)
    return r.returncode == 1 and not r.stdout and "PYLEAK_CACHE" in r.stderr


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_it_is_made_and_found_again(tmp_path, umask):
    before = os.umask(umask)
    try:
        first = ask(tmp_path)
    finally:
        os.umask(before)
    assert (first.returncode, first.stdout) == (0, "%s/roots\n" % tmp_path)
    assert (tmp_path / "roots").stat().st_mode & 0o777 == 0o755
    assert ask(tmp_path).stdout == first.stdout


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_others_may_not_write_to_it(tmp_path, mode):
    ask(tmp_path)
    (tmp_path / "roots").chmod(mode)
    assert is_refused(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="a directory of another user is made")
def test_another_user_has_not_made_it(tmp_path):
    ask(tmp_path)
    os.chown(tmp_path / "roots", NOBODY, NOBODY)
    assert is_refused(tmp_path)


def test_it_is_no_link(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "roots").symlink_to("elsewhere")
    assert is_refused(tmp_path)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that a process of nobody names: what it may not read is not shown, what is no file is not opened, and
what takes the place of its program is neither waited for nor probed."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")
PYTHON = "/usr/bin/python3.11"  # one that has the source line of its leak in 8 s where nothing else runs, with 272 birth sites
NOBODY = 65534
WATCH_S = 60  # at most, where many others run
ENDS_S = 30  # its start and its end on a busy machine

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason="needs Debian's " + PYTHON),
]


@pytest.fixture(name="directory")
def make_directory():
    with tempfile.TemporaryDirectory(prefix="pyleak-files-") as path:
        os.chmod(path, 0o755)
        yield path


def write(directory, name, text, mode=0o644):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


@contextlib.contextmanager
def running(*command, **popen):
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **popen) as p:
        try:
            assert p.stdout.readline() == "ready\n"
            yield p
        finally:
            p.kill()


def naming(name, line=1, *more):
    return running(PYTHON, "-B", os.path.join(HERE, "names_target.py"), name, str(line), *more, cwd="/")


def watch(pids, words, is_due=lambda: True):
    """All that is said of them until each of the words was said once more since it was due."""
    left = set(words)
    command = [TOOL, "-p", ",".join(map(str, pids)), "-d", str(WATCH_S), "-i", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as tool:
        late = threading.Timer(WATCH_S + ENDS_S, tool.kill)
        late.start()
        said = []
        for line in tool.stdout:
            said.append(line)
            if left and is_due():
                left -= {word for word in left if word in line}
                if not left:
                    tool.send_signal(signal.SIGINT)
        late.cancel()
    out = "".join(said)
    assert tool.returncode == 0 and not left, (tool.returncode, left, out)
    return out


class Watched:
    """A FIFO, and whether anybody has opened it to read."""

    def __init__(self, path):
        self.path = path
        self.opened = threading.Event()
        os.mkfifo(path, 0o666)
        os.chmod(path, 0o666)
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        fd = os.open(self.path, os.O_WRONLY)  # until there is a reader, for however short a time
        self.opened.set()
        os.close(fd)

    def end(self):
        """Was it opened before now?"""
        was = self.opened.wait(0.2)
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
        return was


@pytest.fixture(scope="module", name="seen")
def see_all():
    """All reports on six programs, watched together, until they have the place of each one's leak; and whether the FIFO was
    opened."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="pyleak-files-"))
        os.chmod(directory, 0o755)
        jail = os.path.join(directory, "jail")
        os.mkdir(jail)
        os.symlink(write(directory, "outside.py", "THE_OUTSIDE\n"), os.path.join(jail, "linked.py"))
        closed = write(directory, "closed/app.py", "THE_CLOSED\n")
        os.chmod(os.path.dirname(closed), 0o700)
        sparse = write(directory, "sparse", "x")
        os.truncate(sparse, 1 << 40)
        fifo = Watched(os.path.join(directory, "fifo"))
        programs = {
            "own": (write(directory, "app.py", "keep.append(THE_LINE)\n"), 1),
            "shadow": (write(directory, "shadow", "root:THE_SHADOW:20228\n", 0o600), 1),
            "closed": (closed, 1),
            "fifo": (fifo.path, 1),
            "sparse": (sparse, 2),
            "link": ("/linked.py", 1, "--root", jail),
        }
        pids = [stack.enter_context(naming(*args)).pid for args in programs.values()]
        found = watch(pids, ["THE_LINE", *("%s:%d" % p[:2] for p in programs.values())]), fifo.end()
    yield found


def test_its_own_line_is_shown(seen):
    """The tests below would pass, too, if nothing were shown at all."""
    assert "THE_LINE" in seen[0]


def test_a_file_that_it_may_not_read_is_not_shown(seen):
    """Neither the host's, nor one in a directory that is closed to it."""
    assert "THE_SHADOW" not in seen[0] and "THE_CLOSED" not in seen[0]


def test_what_is_no_regular_file_is_not_opened(seen):
    """As a device would be: opening a watchdog starts it. Nor is one read to its end that has none: the watch has ended."""
    assert not seen[1]


def test_a_link_does_not_lead_out_of_the_root(seen):
    assert "THE_OUTSIDE" not in seen[0]


def test_the_names_of_the_dead_mean_nothing_here(directory):
    """A file of ours has the name that one in the process's own root had."""
    outside = write(directory, "outside.py", "THE_OUTSIDE\n")
    jail = os.path.join(directory, "jail")
    os.mkdir(jail)
    with naming(outside, 1, "--root", jail) as target:
        command = [TOOL, "-p", str(target.pid), "-d", "40", "-i", "2"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tool:
            line = next((x for x in tool.stdout if outside + ":1" in x), None)
            target.kill()
            target.wait()
            out = tool.stdout.read()
    assert line and "has ended" in out and outside + ":1" in out
    assert "THE_OUTSIDE" not in out


def copy_program(directory, name):
    """A copy of Python that belongs to nobody."""
    own = os.path.join(directory, name)
    os.mkdir(own)
    path = shutil.copy(PYTHON, own)
    for p in (own, path):
        os.chown(p, NOBODY, NOBODY)
    return path


def replacing(program, what):
    """The script has a name of its own, by which its leak is known."""
    script = shutil.copy(os.path.join(HERE, "replaced_target.py"), os.path.join(os.path.dirname(program), what + "_target.py"))
    return running(program, "-B", script, what, cwd="/", user=NOBODY, group=NOBODY, extra_groups=[])


def replace_later(target, after_s=3.5):
    def now():
        target.stdin.write("now\n")
        target.stdin.flush()

    timer = threading.Timer(after_s, now)
    timer.start()
    return timer


def test_what_takes_the_place_of_the_program_is_let_alone(directory):
    """A FIFO is not waited for, a file is not probed."""
    fifo, file = (copy_program(directory, what) for what in ("FIFO", "FILE"))
    with replacing(fifo, "FIFO") as one, replacing(file, "FILE") as other:
        replace_later(one)
        replace_later(other)
        said = []
        threading.Thread(target=lambda: said.append(other.stdout.readline()), daemon=True).start()
        watch([one.pid, other.pid], ["FIFO_target.py:", "FILE_target.py:"], lambda: said)
        assert os.path.exists(fifo + ".old") and os.path.exists(file + ".old")
    assert said == ["differed 0\n"]


@pytest.mark.skipif(not shutil.which("gcore"), reason="needs gdb")
def test_a_name_in_a_core_is_not_opened_when_it_is_no_file(directory):
    program = copy_program(directory, "own")
    core = os.path.join(directory, "core")
    with replacing(program, "FIFO") as target:
        subprocess.run(["gcore", "-o", core, str(target.pid)], check=True, capture_output=True, timeout=60)
    os.rename(program, program + ".old")
    fifo = Watched(program)
    command = [TOOL, "census", "--core", "%s.%d" % (core, target.pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_S)
    assert not fifo.end()
    assert done.returncode in (0, 1), done.stderr

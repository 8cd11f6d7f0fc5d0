# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Manual pages and completions are made of --help: they know every option; completions are tried in the shells themselves."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from test_usage import ROOT, TOOL, run

COMMANDS = ("census", "diff", "doctor", "merge", "serve", "sweep", "why")


def make(script, *args):
    subprocess.run([sys.executable, "-B", os.path.join(ROOT, "packaging", script), TOOL, *map(str, args)], check=True, timeout=60)


def options_of(command):
    """(with a value?, --name) by the text that is printed."""
    found = re.findall(r"^  (?:-., |    )(--[a-z-]+)( [A-Z]\S*)?", run(*command.split(), "--help").stdout, re.M)
    assert len(found) > 4
    return [(bool(arg), name) for name, arg in found]


@pytest.fixture(scope="module", name="pages")
def pages_fixture(tmp_path_factory):
    where = tmp_path_factory.mktemp("man")
    make("man.py", "1.2.3", where)
    return where


def test_a_page_of_each_command_knows_its_options(pages):
    names = {"pyleak-bpf.8": "", **{"pyleak-bpf-%s.8" % c: c for c in COMMANDS}}
    assert set(names) <= set(os.listdir(pages))
    for name, command in names.items():
        page = (pages / name).read_text().replace("\\-", "-")
        assert page.startswith(".\\\"") and "pyleak-bpf 1.2.3" in page and ".SH NAME\n%s - " % name[:-2] in page
        for _, option in options_of(command):
            assert "\\fB%s\\fR" % option in page, (command, option)
        for other in names:
            assert (".BR %s (8)" % other[:-2] in page) == (other != name)


def test_the_pages_are_sound(pages):
    if not shutil.which("mandoc"):
        pytest.skip("there is no mandoc")
    r = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *sorted(pages.iterdir())], capture_output=True, text=True, timeout=60, check=False)
    said = [x for x in r.stdout.splitlines() if "missing date" not in x]
    assert not said, said[:5]


@pytest.fixture(scope="module", name="completions")
def completions_fixture(tmp_path_factory):
    where = tmp_path_factory.mktemp("completions")
    make("completions.py", where)
    for command in ("", *COMMANDS):
        for _, option in options_of(command):
            for name in ("pyleak-bpf", "_pyleak-bpf"):
                assert option in (where / name).read_text()
            assert "-l %s" % option[2:] in (where / "pyleak-bpf.fish").read_text()
    return where


# As typed before the tabulator key, and the words that the shell then has.
TYPED = [
    ("cens", ["census"]),
    ("census --sav", ["census", "--save"]),
    ("census -p 1 --no-red", ["census", "-p", "1", "--no-redact"]),
    ("--childr", ["--children"]),
    ("--fail-on le", ["--fail-on", "leak"]),
    ("sweep --contai", ["sweep", "--container"]),
    ("help docto", ["help", "doctor"]),
    ("--from DIR/saved-rep", ["--from", "DIR/saved-report.json"]),
    ("merge DIR/saved-rep", ["merge", "DIR/saved-report.json"]),
    ("census --childr", ["census", "--childr"]),
]


# A stand-in that shows the words it was given.
STAND_IN = "pyleak-bpf() { printf GOT; printf '<%s>' \"$@\"; echo; }\r"


class Shell:
    """An interactive one, on a terminal of its own."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "PS1": "> ", "HISTFILE": ""})

    def say(self, line, wanted, limit_s=60):
        """Type the line, and read until @wanted is there."""
        os.write(self.fd, line.encode())
        end, said = time.monotonic() + limit_s, b""
        while wanted.encode() not in said:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], (line, wanted, said.decode(errors="replace"))
            said += os.read(self.fd, 65536)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_words_are_completed_by_the_tabulator(shell, completions):
    if not shutil.which(shell):
        pytest.skip("there is no " + shell)
    (completions / "saved-report.json").touch()
    sh = Shell("bash", "--norc", "--noprofile", "-i") if shell == "bash" else Shell("zsh", "-f", "-i")
    try:
        if shell == "bash":
            sh.say("source %s/pyleak-bpf\r" % completions, ">")
        else:
            sh.say("fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D\r" % completions, ">")
        sh.say(STAND_IN, ">")
        for before, after in TYPED:
            words = "".join("<%s>" % w.replace("DIR", str(completions)) for w in after)
            sh.say("pyleak-bpf %s\t\r" % before.replace("DIR", str(completions)), "GOT" + words)
    finally:
        sh.close()


@pytest.fixture(name="pid")
def pid_fixture():
    """A Python that is called so: where setproctitle is installed, a worker of the tests has another name."""
    with subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        p.stdout.readline()
        yield str(p.pid)
        p.stdin.close()


def test_bash_proposes_pids_and_no_files(completions, pid):
    """As completion calls the function, where nothing is typed yet."""
    code = 'source "$0/pyleak-bpf"; COMP_WORDS=(pyleak-bpf "${@}"); COMP_CWORD=$#; _pyleak_bpf 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'

    def proposed(*words):
        r = subprocess.run(["bash", "-c", code, completions, *words], capture_output=True, text=True, timeout=60, check=True)
        return r.stdout.split()

    assert {*COMMANDS, "help"} <= set(proposed(""))
    assert pid in proposed("-p", "") and pid in proposed("census", "--pid", "")
    assert proposed("-d", "") == [] and proposed("--json", "") == [] and proposed("--fail-on", "=", "") == ["leak"]
    assert set(proposed("census", "-")) == {o for _, o in options_of("census")} | {"-" + x for x in "phqvT"}
    assert "true" in proposed("-d", "5", "--", "tru")


def test_fish_proposes_the_same(completions, pid):
    if not shutil.which("fish"):
        pytest.skip("there is no fish")
    (completions / "saved-report.json").touch()

    def proposed(line):
        r = subprocess.run(["fish", "--no-config", "-c", 'source %s/pyleak-bpf.fish; complete -C "$argv[1]"' % completions, line],
                           capture_output=True, text=True, timeout=60, check=True)  # fmt: skip
        assert not r.stderr
        return [x.split("\t")[0] for x in r.stdout.splitlines()]

    for before, after in TYPED[:-1]:
        assert after[-1].replace("DIR", str(completions)) in proposed("pyleak-bpf " + before.replace("DIR", str(completions))), before
    assert proposed("pyleak-bpf census --childr") == []
    assert pid in proposed("pyleak-bpf -p ")
    assert {*COMMANDS, "help"} <= set(proposed("pyleak-bpf "))
    assert "/usr/bin/env" in proposed("pyleak-bpf -- /usr/bin/en")


def test_install_puts_them_where_shells_look(tmp_path):
    r = subprocess.run(["make", "-n", "-C", ROOT, "install", "DESTDIR=" + str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    for where in ("man/man8", "bash-completion/completions", "zsh/site-functions", "fish/vendor_completions.d"):
        assert "%s/usr/local/share/%s" % (tmp_path, where) in r.stdout, r.stderr

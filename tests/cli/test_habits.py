# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Command lines as hands type them: from other tools, in haste, with a name where a number is meant. Each works, or is
answered with the line to type.

Processes are started here, and found; none is attached to: the tool ends before."""
import contextlib
import os
import re
import shlex
import subprocess
import sys
import time

import pytest

from test_usage import TOOL, needs_root, run

SLEEP = "import time; time.sleep(600)"


ANSWERED = [
    (["sensus", "-p", "1", "--diff", "3"], "did you mean pyleak-bpf census?"),
    (["swep"], "did you mean pyleak-bpf sweep?"),
    (["doctro", "-p", "1"], "did you mean pyleak-bpf doctor?"),
    (["help", "cencus"], "did you mean census?"),
    (["help", "nothing"], "there are watch, census"),
    (["top"], "pyleak-bpf sweep"),
    (["top", "--pid", "1234"], "pyleak-bpf -p 1234 one"),
    (["record", "-o", "x.svg", "--pid", "1234"], "pyleak-bpf -p 1234 -d 60 --record FILE"),
    (["dump", "-p1234"], "pyleak-bpf census -p 1234"),
    (["run", "app.py"], "pyleak-bpf -- COMMAND"),
    (["app.py", "--port", "80"], "--port"),
    (["app.py", "80"], "pyleak-bpf -- python3 app.py 80"),
    (["version"], "pyleak-bpf --version"),
    (["python3", "app.py"], "pyleak-bpf -- python3 app.py"),
    (["-p", "1", "--durration", "5"], "did you mean --duration?"),
    (["sweep", "--contaner", "web"], "did you mean --container?"),
    (["census", "-p", "1", "--reduct"], "did you mean --redact?"),
    (["-p", "1", "--o", "5"], "--older, --overhead, --output"),
    (["-pid", "1234"], "two dashes, --pid"),
    (["-p", "1", "-json", "x"], "two dashes, --json"),
    (["sweep", "1234"], "pyleak-bpf -p 1234"),
    (["1234", "--", "python3", "app.py"], "pyleak-bpf -p 1234"),
    (["-p", "1", "--name", "x"], "one of them"),
    (["--container", ""], "need a name"),
    (["--name", "("], "--name ("),
    (["gunicorn", "--", "true"], "behind --"),
    (["--name", "x", "--", "true"], "one of them"),
    (["--name", "x", "--from", "r.json"], "--from"),
    (["--from", "r.json", "-d", "5"], "-d is for a watch, and --from tells of what was seen"),
    (["--from", "r.json", "--children"], "--children is for a watch, and"),
    (["-p", "7", "-d", "5m"], "must be a number of seconds from"),
    (["-p", "7", "-o", "5m"], "must be a number of milliseconds from"),
    (["-p", "7", "10"], "another process is -p 7,10, a time in seconds -d 10"),
    (["census", "-p", "7", "10"], "another process is -p 7,10, a time in seconds --diff 10"),
    (["doctor", "-p", "7", "10"], "another process is -p 7,10"),
    (["why", "-p", "7", "10", "--type", "X"], "one process at a time: -p PID"),
    (["--from", "r.json", "--overhead", "1"], "--from tells of what was seen"),
    (["why", "-p", "a,b", "--type", "x"], "one name at a time"),
    (["-p", "1234", "5", "10"], "-p 1234,5"),
    (["-p", "1234", "60"], "-d 60"),
    (["-p", "1234", "-o", "out.json"], "--output out.json"),
    (["sweep", "gunicorn"], "--name gunicorn"),
    (["census", "1234", "Session"], "'Session'"),
    (["doctor", "-p", "gunicorn"], "number of the process"),
]


@pytest.mark.parametrize("args,says", ANSWERED, ids=[" ".join(a) for a, _ in ANSWERED])
def test_the_right_line_is_told(args, says):
    r = run(*args)
    assert (r.returncode, r.stdout) == (2, "")
    assert r.stderr.startswith("pyleak-bpf: ") and r.stderr.count("\n") == 1, r.stderr
    assert says in r.stderr


def test_help_by_all_its_names():
    main = run("--help").stdout
    assert main.startswith("usage: pyleak-bpf PID|NAME")
    for words in (["help"], ["-h"], ["watch", "--help"], ["watch", "-h"], ["help", "watch"], ["-p", "1", "-h"], ["help", "help"]):
        r = run(*words)
        assert (r.returncode, r.stdout, r.stderr) == (0, main, ""), words
    for command in ("census", "why", "sweep", "serve", "merge", "diff", "doctor"):
        page = run(command, "--help").stdout
        assert page.startswith("usage: pyleak-bpf " + command)
        for words in (["help", command], [command, "-h"]):
            r = run(*words)
            assert (r.returncode, r.stdout, r.stderr) == (0, page, ""), words


def test_numbers_are_pids_in_all_their_places():
    """A process that has ended is refused by its number: so it was understood."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    for words in (["PID"], ["watch", "PID"], ["watch", "-p", "PID"], ["-p=PID"], ["-pPID"], ["-q", "PID", "-d", "5"],
                  ["census", "PID"], ["why", "PID", "--type", "dict"]):  # fmt: skip
        words = [w.replace("PID", str(gone.pid)) for w in words]
        r = run(*words)
        assert r.returncode == 1 and r.stderr.count("\n") == 1, words
        if os.geteuid() == 0:
            assert "no process %d" % gone.pid in r.stderr, words
    assert str(gone.pid) in run("doctor", str(gone.pid)).stdout


def test_a_script_is_a_name():
    r = run("no-such-app.py")
    assert r.returncode == 1 and r.stderr.count("\n") == 1
    if os.geteuid() == 0:
        assert "no Python fits no-such-app.py" in r.stderr and "pyleak-bpf -- python3 no-such-app.py" in r.stderr


def test_a_saved_report_is_no_process(tmp_path):
    path = tmp_path / "leaks.json"
    path.write_text("{}")
    r = run(str(path))
    assert (r.returncode, r.stdout) == (2, "") and "pyleak-bpf --from %s shows" % path in r.stderr


@contextlib.contextmanager
def started(*commands):
    """Pids of commands that have printed a line: "go"."""
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) for c in commands]
    try:
        for p in running:
            assert p.stdout.readline() == "go\n"
        yield [p.pid for p in running]
    finally:
        for p in running:
            p.kill()
        for p in running:
            p.wait()
            p.stdout.close()


def python(*words, code="print('go', flush=True); " + SLEEP):
    return [sys.executable, "-c", code, *words]


def refused(r, code=1):
    assert (r.returncode, r.stdout) == (code, "")
    return r.stderr.splitlines()


@needs_root
def test_of_several_the_lines_to_type_are_listed():
    mark = "habits-%d" % os.getpid()
    with started(python(mark, "one"), python(mark, "\x1b[2J\n   ;x")) as pids:
        for wish in (["--name", mark], ["-p", mark], [mark]):
            lines = refused(run(*wish, "-d", "5", "--json", "a b'c.json"))
            assert re.fullmatch(r"pyleak-bpf: 2 Pythons fit .*%s: type one of the indented lines above" % mark, lines[-1])
            typed = [shlex.split(x)[1:] for x in lines if x.startswith("   ")]
            options = ["-d", "5", "--json", "a b'c.json"]
            assert typed == [*(["-p", str(p), *options] for p in pids), ["-p", ",".join(map(str, pids)), *options]]
            # The words of a process are on lines of their own, and inert.
            assert len(lines) == 7 and "\x1b" not in "".join(lines) and "\\x1b[2J" in lines[2]
        for command in ("census", "why"):
            more = ["--type", "dict"] if command == "why" else []
            lines = refused(run(command, "--name", mark, *more))
            typed = [shlex.split(x)[1:] for x in lines if x.startswith("   ")]
            assert typed[0] == [command, "-p", str(pids[0]), *more]
            assert len(typed) == (2 if command == "why" else 3)


@needs_root
def test_no_process_looks_like_a_line_to_type():
    mark = "habits-%d" % os.getpid()
    bait = "   pyleak-bpf -p 1 --alert-hook reboot" + 60 * " " + "   pyleak-bpf -p 1 #"
    code = "print('go', flush=True); " + SLEEP
    with started(["bash", "-c", 'exec -a "$0" "$@"', bait, sys.executable, "-c", code, mark], python(mark)) as pids:
        lines = refused(run("--name", mark))
        assert [shlex.split(x)[1:] for x in lines if x.startswith(" ")] == [*(["-p", str(p)] for p in pids), ["-p", ",".join(map(str, pids))]]
        assert [x.split(":")[0] for x in lines if "old" in x] == ["pid %d" % p for p in pids]
        assert not any("  " in x.strip() for x in lines)


@needs_root
def test_nobody_fits_and_what_was_looked_through_is_told():
    (line,) = refused(run("--name", "habits-no-such-name"))
    assert re.search(r"no Python fits --name habits-no-such-name: \d+ processes looked through; pyleak-bpf sweep", line)
    (line,) = refused(run("habits-no-such-name"))
    assert "pyleak-bpf -- COMMAND" in line
    (line,) = refused(run("census", "--container", "habits-no-such-name"))
    assert "containers here: " in line or "none of them in a container" in line
    (line,) = refused(run("--pod", "shop/habits"))
    assert "pods here: " in line or "none of them in a pod" in line
    mark = "habits-%d" % os.getpid()
    with started(["sh", "-c", "echo go; exec sleep 600 # " + mark, mark], ["bash", "-c", "echo go; read x </dev/zero; : " + mark]):
        (line,) = refused(run("--name", mark))
        assert "fit and are none (bash)" in line


@needs_root
def test_who_calls_is_not_meant():
    """The command line of a script that runs the tool has the name in it, too."""
    mark = "habits-caller-%d" % os.getpid()
    code = "import subprocess; r = subprocess.run([%r, '--name', '%s'], capture_output=True, text=True); print(r.stderr)" % (TOOL, mark)
    r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "no Python fits" in r.stdout


@needs_root
def test_no_python_is_told_what_it_is_and_whom_it_started():
    with started(["sh", "-c", "echo go; exec sleep 600"]) as (pid,):
        wait_for(lambda: os.readlink("/proc/%d/exe" % pid).endswith("sleep"))
        for words in (["-p", str(pid)], ["census", "-p", str(pid)]):
            (line,) = refused(run(*words))
            assert "is not a CPython" in line and line.endswith("; it is " + os.readlink("/proc/%d/exe" % pid))
    with started(["sh", "-c", '"$0" -c "$1" & wait', *python()[:1], python()[2]]) as (pid,):
        (child,) = children(pid)
        (line,) = refused(run("-p", str(pid)))
        assert "started by it: -p %d (python3" % child in line
        row = [x for x in run("doctor", "-p", str(pid)).stdout.splitlines() if "started by it: -p %d" % child in x]
        os.kill(child, 9)
        assert row


def wait_for(is_so, limit_s=20):
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as f:
        return [int(x) for x in f.read().split()]


@needs_root
def test_a_pid_in_a_containers_numbering():
    """That host has no such process, or a kernel thread; the Python that has the number elsewhere is named."""
    number = 3999999
    if os.path.exists("/proc/%d" % number):
        pytest.skip("there is a process %d" % number)
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode:
        pytest.skip("no pid namespaces")
    inner = 'echo %d >/proc/sys/kernel/ns_last_pid; "$0" -c "$1" & wait' % (number - 1)
    command = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", inner, *python()[:1], python()[2]]
    with started(command) as (outer,):
        seen = run("-p", str(number)).stderr
        (shell,) = children(outer)
        (inside,) = children(shell)
        with open("/proc/%d/status" % inside, encoding="utf-8") as f:
            real = int(re.search(r"^NSpid:.*\t(\d+)$", f.read(), re.M).group(1))
        if real != number:
            pytest.skip("ns_last_pid may not be written here")
        assert "no process %d" % number in seen and "that is the number of: -p %d (python3" % inside in seen

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The packages: the unit and what it forbids, its settings, the manual page, Kubernetes; with --matrix full the package
on Debian 12 and 13."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import yaml

import harness
import needs
import pythons
from harness import free_port
from test_privileges import FOUR, GROWER, LEAKING_LINE
from test_serve import get

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "packaging")
UNIT = os.path.join(HERE, "systemd", "pyleak-bpf.service")
CONF = os.path.join(HERE, "systemd", "pyleak-bpf.conf")
KEPT = {*FOUR, "checkpoint_restore"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def of_unit(key):
    return re.search(r"^%s=(.*)$" % key, read(UNIT), re.M).group(1)


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, **more)


def test_the_unit_is_valid_and_tight(tmp_path):
    unit = tmp_path / "pyleak-bpf.service"
    unit.write_text(read(UNIT).replace("/usr/sbin/pyleak-bpf", harness.TOOL))
    check = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert check.returncode == 0 and not [x for x in check.stderr.splitlines() if "pyleak" in x], check.stderr
    score = run("systemd-analyze", "security", "--offline=true", str(unit))
    level = re.search(r"Overall exposure level for pyleak-bpf.service: ([\d.]+)", score.stdout)
    assert float(level.group(1)) <= 3.5, score.stdout


def test_the_holder_of_the_probes_is_given_its_time():
    """SIGKILL in the middle of a probe change leaves breakpoints, a task that is throttled there stops all forks
    (docs/KERNEL-HAZARDS.md, W10)."""
    listed = re.search(r" left\[\] = \{(.*?)\}", read(ROOT, "src", "base", "helper.c"), re.S).group(1)
    deadly = re.findall(r"SIG\w+", listed) + ["SIGKILL"]
    assert of_unit("KillMode") == "control-group"  # mixed: SIGKILL for all others as soon as the tool has ended
    assert of_unit("WatchdogSignal") not in deadly and "SIGABRT" in deadly and "SIGTERM" not in deadly
    waits = re.search(r"LAST_PATIENCE_NS (\d+)0{9}ull", read(ROOT, "src", "probe", "guard.h")).group(1)
    assert int(of_unit("TimeoutStopSec")) > int(waits) >= 20 and int(of_unit("WatchdogSec")) >= 30
    assert int(of_unit("OOMScoreAdjust")) <= -100 and of_unit("ManagedOOMPreference") == "omit"
    assert not re.findall(r"^(?:CPUQuota|MemoryHigh|SendSIGKILL)=", read(UNIT), re.M)
    # A tool that hangs is ended by it, the holder of the probes never.
    assert of_unit("FinalKillSignal") not in deadly and of_unit("FinalKillSignal") not in read(ROOT, "src", "cli", "stop.c")
    assert of_unit("MemoryMax").endswith("G")
    # A thread may hang for each device that does not answer; the rest is for those that work.
    hang = re.search(r"DEVICES\s+(\d+)", read(ROOT, "src", "storage", "asker.c")).group(1)
    assert int(of_unit("TasksMax")) >= int(hang) + 64

    pod = yaml.safe_load(read(HERE, "kubernetes", "base", "daemonset.yaml"))["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > int(waits) and pod["priorityClassName"] == "system-node-critical"
    limits = pod["containers"][0]["resources"]["limits"]
    assert set(limits) == {"memory"} and limits["memory"].endswith("Gi")
    assert "limits" not in read(HERE, "kubernetes", "old-kernel", "tracefs.yaml")


def test_capabilities_are_the_same_everywhere():
    wanted = {"CAP_" + c.upper() for c in KEPT}
    assert set(of_unit("CapabilityBoundingSet").split()) == {*wanted, "CAP_SYS_ADMIN"}
    pod = yaml.safe_load(read(HERE, "kubernetes", "base", "daemonset.yaml"))["spec"]["template"]["spec"]
    # A unit has rlimits for them.
    granted = {"CAP_" + c for c in pod["containers"][0]["securityContext"]["capabilities"]["add"]}
    assert granted == {*wanted, "CAP_IPC_LOCK", "CAP_SYS_NICE"} and of_unit("LimitMEMLOCK") == "infinity"
    old = yaml.safe_load(read(HERE, "kubernetes", "old-kernel", "tracefs.yaml"))["spec"]["template"]["spec"]["containers"][0]
    assert {"CAP_" + c for c in old["securityContext"]["capabilities"]["add"]} == {*granted, "CAP_SYS_ADMIN"}
    assert pod["hostPID"] and not pod["automountServiceAccountToken"]
    assert all(c in read(ROOT, "docs", "PRIVILEGES.md") for c in wanted)


def test_the_holder_of_the_probes_may_hurry():
    """The unit grants it real-time priority: every fork of the host waits while it has no CPU within a change."""
    holder = read(ROOT, "src", "probe", "guard.c")
    priority = re.search(r"sched_priority = (\d+)", holder).group(1)
    assert "thread_haste();" in holder
    nice = re.search(r"#define HASTE \((-\d+)\)", read(ROOT, "src", "base", "thread.c")).group(1)
    assert (of_unit("LimitRTPRIO"), of_unit("LimitNICE")) == (priority, nice)
    assert not re.search(r"^RestrictRealtime=(?!no$)", read(UNIT), re.M)
    calls = run("systemd-analyze", "syscall-filter", "@resources").stdout.split()
    assert "sched_setscheduler" in calls and "setpriority" in calls
    assert "@resources" in run("systemd-analyze", "syscall-filter", "@system-service").stdout.split()


def hurries(tool):
    """Has the process that holds the probes of that tool what it asks for? None: there is none yet."""
    for child in map(int, read("/proc/%d/task/%d/children" % (tool, tool)).split()):
        if read("/proc/%d/comm" % child) == "pyleak-probes\n":
            return os.sched_getscheduler(child) == os.SCHED_FIFO and os.getpriority(os.PRIO_PROCESS, child) == int(of_unit("LimitNICE"))
    return None


def test_the_units_filter_has_ours_in_it():
    """A call that the tool's own filter allows must not fail in the service."""
    groups, name = {}, None
    for line in run("systemd-analyze", "syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif line.strip() and not line.strip().startswith("#") and name:
            groups[name].append(line.strip())

    def calls(word):
        return {c for w in groups[word] for c in calls(w)} if word.startswith("@") else {word}

    allowed = {c for w in of_unit("SystemCallFilter").split() for c in calls(w)}
    ours = set(re.findall(r"(?:SCMP_SYS|WITH)\((\w+)[,)]", read(ROOT, "src", "confine", "filter.c"))) - {"call", "mount"}
    assert len(ours) > 100 and ours <= allowed, ours - allowed


def test_all_settings_of_the_example_exist():
    options = set(re.findall(r"--([a-z-]+)", run(harness.TOOL, "serve", "--help").stdout))
    names = set(re.findall(r"^#?([a-z-]+) = ", read(CONF), re.M))
    assert len(names) > 8 and names <= options


def test_kubernetes_is_yaml():
    seen = []
    for where, _, files in os.walk(os.path.join(HERE, "kubernetes")):
        for name in files:
            if name.endswith(".yaml"):
                seen += [d["kind"] for d in yaml.safe_load_all(read(where, name))]
            if name == "kustomization.yaml":
                wanted = yaml.safe_load(read(where, name))
                for path in [*wanted.get("resources", ()), *(p["path"] for p in wanted.get("patches", ()))]:
                    assert os.path.exists(os.path.join(where, path))
    assert sorted(set(seen)) == ["DaemonSet", "Kustomization", "Namespace"]


# The unit's view of the file system and its rights, by hand: there is no service manager where tests run.
AS_THE_UNIT = """
set -e
mount --make-rprivate /
for m in $(awk '$2 !~ "^/(proc|sys|dev)(/|$)" {print $2}' /proc/self/mounts); do
	mount -o remount,bind,ro "$m" 2>/dev/null || :
done
mount -o remount,bind,ro /
mount -o remount,bind,ro /sys
mount -t tmpfs -o mode=000,ro none /home
mount -t tmpfs -o mode=000,ro none /root
mount -t tmpfs none /tmp
exec "$@"
"""


def test_as_the_unit_runs_it(tmp_path):
    """A leak in a program of a user whose home the service does not see."""
    needs.mount_namespace()
    home = "/home/pyleak-unit-test-%d" % os.getpid()
    os.mkdir(home)
    tool = "/usr/local/pyleak-unit-test-%d" % os.getpid()  # what is below /tmp or /root cannot be seen
    shutil.copy(harness.TOOL, tool)
    program = os.path.join(home, "program.py")
    with open(program, "w", encoding="utf-8") as f:
        f.write(GROWER)
    port = free_port()
    haste = ["--rtprio=" + of_unit("LimitRTPRIO"), "--nice=%d" % (20 - int(of_unit("LimitNICE")))]
    if by_capability := run("prlimit", *haste, "true").returncode != 0:  # as in a pod: no right to raise limits
        haste = []
    caps = "-all," + ",".join("+" + c for c in sorted(KEPT | ({"sys_nice"} if by_capability else set())))
    target = service = None
    try:
        target = subprocess.Popen(["setpriv", "--reuid", "65534", "--clear-groups", pythons.HOST, program],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # fmt: skip
        assert target.stdout.readline() == b"ready\n"
        service = subprocess.Popen(["unshare", "-m", "sh", "-c", AS_THE_UNIT, "sh", "prlimit", "--core=0", *haste,
                                    "setpriv", "--no-new-privs", "--bounding-set", caps, "--inh-caps", caps,
                                    tool, "serve", "--name", program, "--listen", "127.0.0.1:%d" % port],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
        assert "listening" in service.stderr.readline()
        assert hurries(service.pid)
        line = 'file="%s",line="%d"' % (program, LEAKING_LINE)
        harness.wait_until(lambda: line in get(port, "/metrics")[1], 150)
        time.sleep(0.2)
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0, service.stderr.read()
    finally:
        for child in (target, service):
            if child:
                child.kill()
                child.wait()
        shutil.rmtree(home)
        os.unlink(tool)


@pytest.mark.matrix
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_the_package(suite):
    """Minutes of downloads."""
    made = subprocess.run([os.path.join(ROOT, "tests", "e2e", "deb.sh"), suite], capture_output=True, text=True, timeout=1800,
                          check=False, stdin=subprocess.DEVNULL)  # fmt: skip
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]

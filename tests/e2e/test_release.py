# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files of a release: made twice, the same bytes; one binary that runs in every root; wheel, package and image install."""
import base64
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import ssl
import statistics
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zipfile

import pytest

import containers
import harness
import pythons
from vm_run import in_guest

pytestmark = pytest.mark.matrix
ROOTS = ("bullseye", "bookworm", "trixie", "musl", "empty")
GOLDEN = pathlib.Path(harness.TOP, "tests", "golden", "report.json")
ZOO = pathlib.Path(harness.TOP, "tests", "zoo")
GUEST = os.path.join(pythons.HERE, "vm_guest.py")
LARGEST = 9 << 20
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# An overlay of @lower: what is written to it goes with the command. The tool's own view of the machine is the machine's.
ENTER = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" none "$1/root"
cd "$1/root"
mkdir -p proc sys dev etc tmp
mount --rbind /proc proc
mount --rbind /sys sys
mount --rbind /dev dev
cp "$3" tool
shift 3
while [ "$1" != -- ]; do
	cp -r "$1" "tmp/"
	shift
done
shift
exec chroot . "$@"
"""


def run(*command, **more):
    more = {"capture_output": True, "text": True, "check": False, "stdin": subprocess.DEVNULL, "timeout": 300, **more}
    return subprocess.run([str(c) for c in command], **more)


def done(*command, **more):
    result = run(*command, **more)
    assert result.returncode == 0, "%s: %s%s" % (command, result.stdout[-3000:], result.stderr[-3000:])
    return result.stdout


def make(where):
    """A release of the last commit, in a clone of its own."""
    where.parent.mkdir(parents=True, exist_ok=True)
    done("git", "-c", "safe.directory=*", "clone", "-q", harness.TOP, where)
    done("make", "-C", where, "O=out", "release", timeout=2400)
    return where / "out" / "release"


@pytest.fixture(scope="module")
def release():
    # Below /tmp others may not look, and podman takes no long path.
    with tempfile.TemporaryDirectory(prefix="pyleak-release-", dir="/var/tmp") as top:
        yield make(pathlib.Path(top) / "one"), make(pathlib.Path(top) / "two" / "deeper")


@pytest.fixture(scope="module")
def files(release):
    return release[0]


def the(files, pattern):
    found = list(files.glob(pattern))
    assert len(found) == 1, (pattern, found)
    return found[0]


@pytest.fixture(scope="module")
def binary(files):
    return the(files, "*-x86_64")


@pytest.fixture(scope="module")
def version(binary):
    return done(binary, "--version").split()[1]


class Roots:
    """Lower layers, by name. Debian 12's is the machine's own."""

    def __init__(self, where):
        self.where = where

    def lower(self, name):
        if name == "bookworm":
            return "/"
        if name in ("bullseye", "trixie"):
            return os.path.join(pythons.ROOTS, name)
        root = self.where / name
        if not root.exists():
            root.mkdir()
            if name == "musl":
                self.make_musl(root)
        return root

    def make_musl(self, root):
        """As Alpine has it: busybox, and musl's loader and library, which are one file."""
        (root / "bin").mkdir()
        shutil.copy("/bin/busybox", root / "bin")
        (root / "bin" / "sh").symlink_to("busybox")
        (root / "lib").mkdir()
        shutil.copy("/lib/x86_64-linux-musl/libc.so", root / "lib" / "ld-musl-x86_64.so.1")

    def run(self, name, tool, *args, command=("/tool",), copies=(), env=None, **more):
        with tempfile.TemporaryDirectory(dir=self.where) as mount:
            return run("unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", mount, self.lower(name), tool,
                       *copies, "--", *command, *args, env={"PATH": PATH, **(env or {})}, **more)  # fmt: skip


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    return Roots(tmp_path_factory.mktemp("roots"))


def test_twice_the_same_bytes(release):
    one, two = release
    names = sorted(os.listdir(one))
    assert names == sorted(os.listdir(two)) and len(names) == 7, names
    different = [n for n in names if (one / n).read_bytes() != (two / n).read_bytes()]
    assert not different
    done("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=one)
    assert len((one / "SHA256SUMS").read_text().splitlines()) == len(names) - 1


def test_one_static_file(binary):
    text = binary.read_bytes()
    assert len(text) <= LARGEST and os.access(binary, os.X_OK)
    shown = done("readelf", "-lWd", "-S", binary)
    assert "INTERP" not in shown and "(NEEDED)" not in shown and ".debug_info" not in shown and ".symtab" not in shown
    assert " PIE" in shown and "GNU_RELRO" in shown and "BIND_NOW" in shown
    assert "statically linked" in run("ldd", binary).stdout
    for place in (b"/release/", b"/opt/src", b"/opt/static", b"/work/", b"/var/tmp/pyleak"):
        assert place not in text, place


@pytest.mark.parametrize("name", ROOTS)
def test_runs_in(name, binary, roots, version):
    def said(*args, **more):
        result = roots.run(name, binary, *args, copies=[GOLDEN], **more)
        assert result.returncode == 0 and not result.stderr, (result.stdout, result.stderr)
        return result.stdout

    assert said("--version") == "pyleak-bpf %s\n" % version
    utf8 = {"LANG": "C.UTF-8"}
    for args in (["--help"], ["sweep", "--help"], ["--from", "%s", "--no-color"], ["--from", "%s", "--folded", "-"]):
        there = said(*(a.replace("%s", "/tmp/report.json") for a in args), env=utf8)
        assert there == done(harness.TOOL, *(a.replace("%s", str(GOLDEN)) for a in args), env=utf8)


@pytest.mark.parametrize("name", ROOTS)
def test_no_module_of_the_machine_is_loaded(name, binary, roots, tmp_path):
    """Names of users by modules that are there and of another glibc; a locale that is not there."""
    conf = tmp_path / "nsswitch.conf"
    conf.write_text("passwd: compat hesiod systemd\nhosts: resolve compat\n")
    enter = "cp /tmp/nsswitch.conf /etc/; exec /tool sweep --user nobody-of-that-name"
    if name == "empty":
        result = roots.run(name, binary, "sweep", "--user", "nobody-of-that-name")
    else:
        result = roots.run(name, binary, command=("/bin/sh", "-c", enter), copies=[conf], env={"LANG": "xx_XX.UTF-8"})
    assert result.returncode == 2 and "there is no user nobody-of-that-name" in result.stderr, result


def test_starts_no_slower(binary):
    """Than the one that loads its libraries; the median of fifty."""
    took = {str(binary): [], harness.TOOL: []}
    for _ in range(50):
        for tool, times in took.items():
            begin = time.monotonic()
            done(tool, "--version")
            times.append(time.monotonic() - begin)
    static, dynamic = map(statistics.median, took.values())
    assert static <= dynamic, took


def test_the_wheel(files, version, tmp_path):
    wheel = the(files, "*.whl")
    with zipfile.ZipFile(wheel) as z:
        record = "pyleak_bpf-%s.dist-info/RECORD" % version
        rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(z.read(record).decode()))}
        assert sorted(rows) == sorted(z.namelist()) and rows.pop(record) == ["", ""]
        for name, (digest, size) in rows.items():
            text = z.read(name)
            sha = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == ("sha256=" + sha, len(text)), name
    venv = tmp_path / "venv"
    done(pythons.HOST, "-m", "venv", venv)
    pip = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    done(*pip, "install", "--no-index", wheel)
    tool = venv / "bin" / "pyleak-bpf"
    assert tool.read_bytes() == the(files, "*-x86_64").read_bytes()
    assert done(tool, "--version").split() == ["pyleak-bpf", version]
    assert done(venv / "bin" / "python", venv / "share" / "doc" / "pyleak-bpf" / "examples" / "demo.py", "--seconds", "0.1") == ""
    assert (venv / "share" / "man" / "man8" / "pyleak-bpf.8").read_text().startswith(".\\\"")
    shown = done(*pip, "show", "-f", "pyleak-bpf")
    assert "GPL-2.0-only OR BSD-2-Clause" in shown and "spdx.json" in shown
    done(*pip, "check")
    done(*pip, "uninstall", "-y", "pyleak-bpf")
    assert not tool.exists()


@pytest.mark.parametrize("suite", ["bullseye", "bookworm", "trixie"])
def test_the_package_installs_on(suite, files, binary, roots, version):
    deb = the(files, "*.deb")
    # A minimal Debian 13 lacks the passwd that it asks for.
    script = "set -e; dpkg --install /tmp/%s || { cp /tmp/resolv.conf /etc/; apt-get update -qq; apt-get install -y -qq -f; }; " \
             "cat /var/lib/dpkg/info/pyleak-bpf.list; pyleak-bpf --version" % deb.name  # fmt: skip
    result = roots.run(suite, binary, command=("/bin/sh", "-c", script), copies=[deb, "/etc/resolv.conf"])
    assert result.returncode == 0, result
    assert "/etc/pyleak-bpf.conf" in result.stdout and result.stdout.endswith("pyleak-bpf %s\n" % version)


def test_the_image(files, binary, version):
    with containers.podman(pathlib.Path(tempfile.mkdtemp(prefix="pyleak-podman-"))) as podman:
        loaded = podman("load", "-i", the(files, "*-oci.tar"))
        assert loaded.returncode == 0, loaded.stderr
        image = "localhost/pyleak-bpf:" + version
        told = json.loads(podman("image", "inspect", image).stdout)[0]
        assert told["Config"]["Entrypoint"] == ["/usr/sbin/pyleak-bpf"] and told["Config"]["Cmd"][0] == "serve"
        assert told["Labels"]["org.opencontainers.image.version"] == version and told["Size"] < LARGEST + (1 << 20)
        ran = podman("run", "--rm", *containers.LIMITS, "--network", "none", image, "--version")
        assert ran.returncode == 0 and ran.stdout.split() == ["pyleak-bpf", version], ran.stderr


def test_the_bill_of_materials(files, binary, version):
    bill = json.loads(the(files, "*.spdx.json").read_text())
    packages = {p["SPDXID"]: p for p in bill["packages"]}
    assert bill["spdxVersion"] == "SPDX-2.3" and len(packages) == len(bill["packages"])
    known = {*packages, bill["SPDXID"]}
    assert all(r["spdxElementId"] in known and r["relatedSpdxElement"] in known for r in bill["relationships"])
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in known)
    us = packages["SPDXRef-pyleak-bpf"]
    sums = {c["algorithm"]: c["checksumValue"] for c in us["checksums"]}
    assert us["versionInfo"] == version and sums["SHA256"] == hashlib.sha256(binary.read_bytes()).hexdigest()
    linked = {packages[r["relatedSpdxElement"]]["name"] for r in bill["relationships"] if r["relationshipType"] == "STATIC_LINK"}
    assert linked >= {"glibc", "libbpf", "elfutils", "zydis", "gnutls28", "libmicrohttpd", "libseccomp", "xz-utils", "zlib"}
    # Libraries say their versions in it.
    versions = {p["name"]: re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", p["versionInfo"])[1] for p in packages.values()}
    text = binary.read_bytes()
    assert re.search(rb" inflate %s Copyright" % re.escape(versions["zlib"].encode()), text)
    assert re.search(rb"GnuTLS %s " % re.escape(versions["gnutls28"].encode()), text)


def test_the_source(files, version):
    """All that git has, and it says how it is built."""
    tracked = done("git", "-c", "safe.directory=*", "-C", harness.TOP, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    with tarfile.open(the(files, "pyleak-bpf-*.tar.gz")) as tar:
        members = tar.getmembers()
        names = [m.name.partition("/")[2] for m in members if not m.isdir()]
        assert names == sorted(names, key=lambda n: n.split("/")) or set(names) == set(tracked)
        assert sorted(names) == sorted(tracked)
        assert {m.name.partition("/")[0] for m in members} == {"pyleak-bpf-" + version}
        assert {(m.uid, m.gid, m.mtime) for m in members} == {(0, 0, members[0].mtime)}


def test_serves_https(binary, tmp_path):
    """GnuTLS is in it, too: a client that knows the certificate is answered."""
    cert, key, port = tmp_path / "cert.pem", tmp_path / "key.pem", harness.free_port()
    done("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", key,
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert)  # fmt: skip
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    asked = urllib.request.Request("https://127.0.0.1:%d/metrics" % port, headers={"Authorization": "Bearer 0123456789abcdef"})
    serve = subprocess.Popen([binary, "serve", "--name", "^no-process-has-this$", "--listen", "127.0.0.1:%d" % port, "--tls-cert",
                              cert, "--tls-key", key, "--token-file", token], stdin=subprocess.DEVNULL)  # fmt: skip
    try:
        trust = ssl.create_default_context(cafile=cert)
        answers = []
        harness.wait_until(lambda: answers.append(urllib.request.urlopen(asked, context=trust, timeout=5)) or True)
        assert answers[0].status == 200 and b"pyleak_" in answers[0].read()
        serve.terminate()
        assert serve.wait(60) == 0
    finally:
        serve.kill()
        serve.wait()


# The target has its root and the tool another; what they share is the kernel.
WATCHED = {"bullseye": "/usr/bin/python3", "bookworm": "/usr/bin/python3", "trixie": "/usr/bin/python3",
           "musl": None, "empty": None}  # fmt: skip


@pytest.mark.quiet
@pytest.mark.parametrize("name", ROOTS)
def test_watches_the_demo_in(name, binary, roots):
    """The demo runs on that root's Python; where it has none, on the machine's, seen from there."""
    python = WATCHED[name]
    if python:
        script = '%s -B /tmp/demo.py >/dev/null & pid=$!; sleep 2; /tool -p $pid -d 30 -q --no-color --fail-on leak; rc=$?; ' \
                 "kill $pid; exit $rc" % python  # fmt: skip
        result = roots.run(name, binary, command=("/bin/sh", "-c", script), copies=[ZOO / "demo.py", ZOO / "common.py"])
    else:
        demo = subprocess.Popen([pythons.HOST, "-B", ZOO / "demo.py"], stdin=subprocess.DEVNULL)
        try:
            time.sleep(2)
            result = roots.run(name, binary, "-p", demo.pid, "-d", 30, "-q", "--no-color", "--fail-on", "leak")
        finally:
            demo.kill()
            demo.wait()
    assert result.returncode == 3 and re.search(r"demo\.py:25\s+(?:Shop\.)?receipt", result.stdout), (result.stdout, result.stderr)


@pytest.mark.quiet
@pytest.mark.parametrize("kernel", ["5.10", "6.1", "newest"])
def test_under_other_kernels(kernel, binary, tmp_path):
    """One program that leaks, as in test_vm.py, whose kernels and programs are more."""
    bin_ = binary.parent.parent / "bin"  # in the guest /tmp is another
    bin_.mkdir(exist_ok=True)
    shutil.copy(binary, bin_ / "pyleak-bpf")
    shutil.copy(harness.SCHEMA, bin_)
    ran = in_guest(kernel, 900, ["-o", str(tmp_path)], "env", "PYLEAK_BUILD=%s" % bin_, "/usr/bin/python3", GUEST, "dicts")
    assert ran.returncode == 0 and "dicts ok" in ran.stdout, (ran.stdout[-2000:], ran.stderr[-1000:])

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A Python wheel that holds the static binary, for `pip install` and `uvx`: the same bytes from the same files.

    wheel.py VERSION BINARY SBOM BUILD DIRECTORY        with SOURCE_DATE_EPOCH; from the top of the source
"""
import base64
import hashlib
import os
import sys
import time
import zipfile

# Nothing but the kernel is asked for: what is oldest of glibc's and of musl's that pip has names for.
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64")
COMPLETIONS = {
    "pyleak-bpf": "bash-completion/completions/pyleak-bpf",
    "_pyleak-bpf": "zsh/site-functions/_pyleak-bpf",
    "pyleak-bpf.fish": "fish/vendor_completions.d/pyleak-bpf.fish",
}
METADATA = """Metadata-Version: 2.1
Name: pyleak-bpf
Version: %s
Summary: Names the line of a running Python program whose objects pile up in memory
License: GPL-2.0-only OR BSD-2-Clause
Keywords: memory,leak,profiler,bpf,production
Classifier: Environment :: Console
Classifier: Intended Audience :: Developers
Classifier: Intended Audience :: System Administrators
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: Implementation :: CPython
Classifier: Topic :: Software Development :: Debuggers
Classifier: Topic :: System :: Monitoring
Requires-Python: >=3
Description-Content-Type: text/markdown

%s"""
WHEEL = "Wheel-Version: 1.0\nGenerator: pyleak-bpf\nRoot-Is-Purelib: false\n" + "".join(
    "Tag: py3-none-%s\n" % p for p in PLATFORMS
)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def content(version, binary, sbom, build):
    """(name, bytes, is a program) of each file, without the list of them."""
    data, info = ("pyleak_bpf-%s.%s/" % (version, d) for d in ("data", "dist-info"))
    yield data + "scripts/pyleak-bpf", read(binary), True
    for name in sorted(os.listdir(build + "/man")):
        yield data + "data/share/man/man8/" + name, read(build + "/man/" + name), False
    for name, place in COMPLETIONS.items():
        yield data + "data/share/" + place, read(build + "/completions/" + name), False
    for name in ("common.py", "demo.py"):
        yield data + "data/share/doc/pyleak-bpf/examples/" + name, read("tests/zoo/" + name), False
    yield info + "METADATA", (METADATA % (version, read("README.md").decode())).encode(), False
    yield info + "WHEEL", WHEEL.encode(), False
    for name in ["LICENSE"] + sorted("LICENSES/" + n for n in os.listdir("LICENSES")):
        yield info + "licenses/" + name, read(name), False
    yield info + "sboms/pyleak-bpf.spdx.json", read(sbom), False


def row(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    return "%s,sha256=%s,%d\n" % (name, digest, len(text))


def main():
    version, binary, sbom, build, to = sys.argv[1:]
    files = list(content(version, binary, sbom, build))
    record = "pyleak_bpf-%s.dist-info/RECORD" % version
    files.append((record, ("".join(row(n, t) for n, t, _ in files) + record + ",,\n").encode(), False))
    at = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    path = os.path.join(to, "pyleak_bpf-%s-py3-none-%s.whl" % (version, ".".join(PLATFORMS)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name, text, is_program in files:
            entry = zipfile.ZipInfo(name, at)
            entry.create_system = 3
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(entry, text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The bill of materials (SPDX 2.3) of the static binary: the libraries that the linker took members of, and who made it.

    sbom.py VERSION BINARY MAP SOURCES >FILE        with SOURCE_DATE_EPOCH; MAP is the linker's, SOURCES is of libs.sh
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

# By Debian's source package; a library that is not here stops the release.
LICENSES = {
    "bzip2": "bzip2-1.0.6",
    "elfutils": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "gcc": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "gmp": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "gnutls28": "LGPL-2.1-or-later",
    "libbpf": "LGPL-2.1-only OR BSD-2-Clause",
    "libcap-ng": "LGPL-2.1-or-later",
    "libiberty": "LGPL-2.1-or-later AND GPL-2.0-or-later WITH GCC-exception-2.0",
    "libmicrohttpd": "LGPL-2.1-or-later",
    "libseccomp": "LGPL-2.1-only",
    "libtasn1-6": "LGPL-2.1-or-later",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
    "ncurses": "X11",
    "nettle": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "protobuf-c": "BSD-2-Clause",
    "xxhash": "BSD-2-Clause",
    "xz-utils": "LicenseRef-public-domain",
    "zlib": "Zlib",
    "zydis": "MIT",
}
TOOLS = ("gcc-12", "binutils", "clang", "bpftool", "buildah")  # packages that make what is released
# Paths of a map's first part: libraries of which something was taken.
MEMBER = re.compile(r"^(/\S+\.a)\(\S+\)$", re.M)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def debian(package):
    """(source package, its version)."""
    return tuple(run("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", package).split(" "))


def owner(path):
    """The source package of a library of Debian's; /lib and /usr/lib are one place, packages know either."""
    path = os.path.realpath(path)
    for name in (path, path.replace("/usr/lib", "/lib", 1)):
        found = subprocess.run(["dpkg", "-S", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if found.returncode == 0:
            return debian(found.stdout.rpartition(": ")[0].split(", ")[0])
    raise SystemExit("sbom.py: no package has " + path)


def libraries(map_path, sources_path):
    """Source packages and versions, sorted, of all that is linked in."""
    with open(sources_path, encoding="utf-8") as f:
        built = {lib: tuple(words[:2]) for words in map(str.split, f) for lib in words[2:]}
    with open(map_path, encoding="utf-8") as f:
        used = {os.path.normpath(p) for p in MEMBER.findall(f.read().partition("\nMemory Configuration")[0])}
    ours = "/opt/static/"
    return sorted({built[os.path.basename(p)] if p.startswith(ours) else owner(p) for p in used})


def package(name, version, license_, **more):
    return {
        "SPDXID": "SPDXRef-" + name,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": license_,
        "licenseDeclared": license_,
        "copyrightText": "NOASSERTION",
        **more,
    }


def of_debian(name, version, license_, kind, prefix=""):
    where = "pkg:deb/debian/%s@%s?arch=source&distro=bookworm" % (name, version.replace("+", "%2B").replace(":", "%3A"))
    return package(
        name, version, license_, SPDXID="SPDXRef-" + prefix + name, primaryPackagePurpose=kind, supplier="Organization: Debian",
        externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": where}],
    )  # fmt: skip


def relation(a, kind, b):
    return {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}


def document(version, binary, libs, tools):
    with open(binary, "rb") as f:
        text = f.read()
    sums = [
        {"algorithm": n, "checksumValue": getattr(hashlib, n.lower())(text).hexdigest()} for n in ("SHA1", "SHA256")
    ]
    when = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    us = package("pyleak-bpf", version, "GPL-2.0-only OR BSD-2-Clause", primaryPackagePurpose="APPLICATION",
                 packageFileName=os.path.basename(binary), checksums=sums,
                 comment="The binary as a whole, with what is linked in, is conveyed under GPL-2.0-only.")  # fmt: skip
    linked = [of_debian(n, v, LICENSES[re.sub(r"-\d+$", "", n) if n.startswith("gcc") else n], "LIBRARY") for n, v in libs]
    made_by = [of_debian(n, v, "NOASSERTION", "APPLICATION", prefix="tool-") for n, v in tools]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": os.path.basename(binary),
        "documentNamespace": "https://spdx.org/spdxdocs/%s-%s" % (os.path.basename(binary), sums[1]["checksumValue"]),
        "creationInfo": {"created": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: pyleak-bpf-sbom-" + version]},
        "packages": [us, *linked, *made_by],
        "relationships": [relation("SPDXRef-DOCUMENT", "DESCRIBES", us["SPDXID"])]
        + [relation(us["SPDXID"], "STATIC_LINK", p["SPDXID"]) for p in linked]
        + [relation(p["SPDXID"], "BUILD_TOOL_OF", us["SPDXID"]) for p in made_by],
        "hasExtractedLicensingInfos": [
            {"licenseId": "LicenseRef-public-domain", "name": "Public domain",
             "extractedText": "liblzma is in the public domain."}
        ],
    }  # fmt: skip


def main():
    version, binary, map_path, sources = sys.argv[1:]
    libs = libraries(map_path, sources)
    unknown = [n for n, _ in libs if n not in LICENSES and not n.startswith("gcc-")]
    if unknown:
        raise SystemExit("sbom.py: the license of %s is not in its table" % ", ".join(unknown))
    tools = [debian(n) for n in TOOLS]
    json.dump(document(version, binary, libs, tools), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

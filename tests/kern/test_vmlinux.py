# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vmlinux/vmlinux.h against the type information of this kernel, and of those the VM tests boot."""
import glob
import lzma
import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNNING = "/sys/kernel/btf/vmlinux"
CACHE = os.path.join(os.environ.get("PYLEAK_CACHE", "/var/tmp"), "pyleak-vm")
BPFTOOL = shutil.which("bpftool") or "/usr/sbin/bpftool"
SIZES = {"unsigned long": 8, "int": 4, "unsigned int": 4}
# The program never reads them, and newer kernels have them as the first of several views.
NARROW = {"cs", "ss"}


def kernels():
    """Images of the VM tests, by release; newer packages keep them with the modules."""
    found = glob.glob(CACHE + "/*/boot/vmlinuz*") + glob.glob(CACHE + "/*/usr/lib/modules/*/vmlinuz")
    return {path[len(CACHE) + 1 :].split("/")[0]: path for path in sorted(found)}


def header():
    """The structs and enumerators that vmlinux.h picked, by name."""
    with open(os.path.join(TOP, "vmlinux", "vmlinux.h")) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    structs = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, re.M | re.S):
        structs[name] = [(m[1], m[0]) for m in re.findall(r"^\t(.+?) (\**\w+);$", body, re.M)]
    values = re.findall(r"^\t(BPF_\w+) = ([^,]+),$", text, re.M)
    return structs, {k: eval(re.sub(r"(\d)U(LL)?\b", r"\1", v)) for k, v in values}


class Btf:
    """The types of a kernel, as bpftool tells them: few of a hundred thousand are asked for."""

    TYPE = re.compile(r"\[\d+\] (\w+) '([^']*)'(.*)")
    MEMBER = re.compile(r"^\t'([^']*)' type_id=(\d+) bits_offset=(\d+)", re.M)

    def __init__(self, path):
        run = subprocess.run([BPFTOOL, "btf", "dump", "file", path, "format", "raw"],
                             stdout=subprocess.PIPE, check=True, timeout=120)  # fmt: skip
        text = run.stdout.decode()
        self.values = dict(re.findall(r"^\t'(BPF_\w+)' val=(\d+)$", text, re.M))
        self.structs = {}
        for number, name in re.findall(r"^\[(\d+)\] STRUCT '(\w+)'", text, re.M):
            self.structs.setdefault(name, int(number))
        self.texts = ("\n" + text).split("\n[")  # the types are counted from one on

    def type(self, number):
        kind, name, rest = self.TYPE.match("[" + self.texts[number]).groups()
        return kind, name, dict(re.findall(r"(\w+)=(\w+)", rest))

    def members(self, number, at=0):
        """Name -> (type, offset in bytes), those of unnamed members among them."""
        found = {}
        for name, type_, bits in self.MEMBER.findall(self.texts[number]):
            if name == "(anon)":
                found.update(self.members(int(type_), at + int(bits) // 8))
            else:
                found[name] = (int(type_), at + int(bits) // 8)
        return found

    def plain(self, number):
        """Behind typedefs and qualifiers: kind, name, size."""
        kind, name, rest = self.type(number)
        while kind in ("TYPEDEF", "CONST", "VOLATILE"):
            kind, name, rest = self.type(int(rest["type_id"]))
        return kind, name, int(rest.get("size", 0))


def unpack(data):
    """The ELF file inside a compressed kernel (Documentation/arch/x86/boot.rst: the setup header)."""
    start = (data[0x1F1] + 1) * 512 + struct.unpack_from("<I", data, 0x248)[0]
    payload = data[start : start + struct.unpack_from("<I", data, 0x24C)[0]]
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:4] == b"\x28\xb5\x2f\xfd" and shutil.which("zstd"):
        run = subprocess.run(["zstd", "-dcq"], input=payload, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, timeout=60)  # fmt: skip
        return run.stdout  # it complains of the length that follows the data
    return None


def section(elf, name):
    headers, size, n, names = struct.unpack_from("<Q10xHHH", elf, 0x28)
    found = [struct.unpack_from("<I20xQQ", elf, headers + size * i) for i in range(n)]
    return next(elf[at : at + length] for word, at, length in found if elf.startswith(name + b"\0", found[names][1] + word))


def types_of(release, image):
    """A file with the types of a compressed kernel. It is kept, as to unpack one takes two seconds."""
    with open(image, "rb") as f:
        data = f.read()
    path = os.path.join(CACHE, release, "btf-%08x" % zlib.crc32(data))
    if not os.path.exists(path):
        elf = unpack(data)
        if not elf:
            pytest.skip("no tool here unpacks this kernel")
        with open("%s.%d" % (path, os.getpid()), "wb") as f:
            f.write(section(elf, b".BTF"))
        os.replace(f.name, path)
    return path


def images():
    """The oldest and the newest, and in the matrix, which boots them, those between."""
    names = sorted(kernels())
    return [pytest.param(n, marks=pytest.mark.matrix if n in names[1:-1] else ()) for n in names]


@pytest.fixture(params=["running", *images()], scope="module")
def btf(request):
    image = kernels().get(request.param)
    if not image and not os.path.exists(RUNNING):
        pytest.skip("this kernel has no BTF")
    return Btf(types_of(request.param, image) if image else RUNNING)


def test_header_is_understood():
    structs, values = header()
    assert set(structs) >= {"pt_regs", "thread_struct", "task_struct", "file", "fdtable"}
    assert len(structs["pt_regs"]) == 21 and len(values) >= 9


def test_registers_lie_where_the_header_says(btf):
    want = header()[0]["pt_regs"]
    number = btf.structs["pt_regs"]
    have = btf.members(number)
    assert [have[name][1] for name, _ in want] == [8 * i for i in range(len(want))]
    assert btf.plain(number)[2] == 8 * len(want)
    for name, type_ in want:
        kind, _, size = btf.plain(have[name][0])
        assert kind == "INT" and (size == SIZES[type_] or name in NARROW), name


def test_members_exist_with_their_types(btf):
    structs = header()[0]
    for struct_name in sorted(set(structs) - {"pt_regs"}):
        have = btf.members(btf.structs[struct_name])
        for name, type_ in structs[struct_name]:
            kind, type_name, size = btf.plain(have[name.lstrip("*")][0])
            if name.startswith("*"):
                assert kind == "PTR", (struct_name, name)
            elif type_ == "atomic_t":  # an unnamed struct of one int
                assert (kind, size) == ("STRUCT", 4), (struct_name, name)
            elif type_.startswith("struct "):
                assert (kind, "struct " + type_name) == ("STRUCT", type_), (struct_name, name)
            else:
                assert (kind, size) == ("INT", SIZES[type_]), (struct_name, name)


def test_constants_have_their_values(btf):
    want = header()[1]
    assert {k: int(btf.values[k]) for k in want} == want

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
    """The types of a kernel, as Documentation/bpf/btf.rst has them: few of a hundred thousand are asked for."""

    KINDS = ("", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST", "RESTRICT", "FUNC",
             "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64")  # fmt: skip
    # Bytes behind the three words of a type, and for each of its members, enumerators or parameters.
    MORE = {"INT": 4, "ARRAY": 12, "VAR": 4, "DECL_TAG": 4}
    EACH = {"STRUCT": 12, "UNION": 12, "ENUM": 8, "FUNC_PROTO": 8, "DATASEC": 12, "ENUM64": 12}

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        magic, head, types, length, strings = struct.unpack_from("<HxxIIII", self.data)
        assert magic == 0xEB9F, path
        self.strings = head + strings
        self.at, self.structs, self.values = [0], {}, {}  # types are counted from one on
        more = [(self.MORE.get(kind, 0) + 12, self.EACH.get(kind, 0)) for kind in self.KINDS]
        at = head + types
        while at < head + types + length:
            name, info = struct.unpack_from("<II", self.data, at)
            kind = info >> 24 & 31
            if kind == 4:
                self.structs.setdefault(self.text(name), len(self.at))
            elif kind in (6, 19):
                self.note_values(at + 12, info & 0xFFFF, "<IQ" if kind == 19 else "<II")
            self.at.append(at)
            at += more[kind][0] + more[kind][1] * (info & 0xFFFF)

    def text(self, name):
        return self.data[self.strings + name : self.data.index(b"\0", self.strings + name)].decode()

    def note_values(self, at, n, form):
        for name, value in struct.iter_unpack(form, self.data[at : at + struct.calcsize(form) * n]):
            if self.data.startswith(b"BPF_", self.strings + name):
                self.values[self.text(name)] = value

    def type(self, number):
        """Kind, name, number of members, and the word that is a size or another type."""
        name, info, word = struct.unpack_from("<III", self.data, self.at[number])
        return self.KINDS[info >> 24 & 31], self.text(name), info, word

    def members(self, number, at=0):
        """Name -> (type, offset in bytes), those of unnamed members among them."""
        found = {}
        _, _, info, _ = self.type(number)
        start = self.at[number] + 12
        for name, type_, bits in struct.iter_unpack("<III", self.data[start : start + 12 * (info & 0xFFFF)]):
            offset = at + (bits & 0xFFFFFF if info >> 31 else bits) // 8  # else its upper byte is the size of a field of bits
            if name:
                found[self.text(name)] = (type_, offset)
            else:
                found.update(self.members(type_, offset))
        return found

    def plain(self, number):
        """Behind typedefs and qualifiers: kind, name, size."""
        kind, name, _, word = self.type(number)
        while kind in ("TYPEDEF", "CONST", "VOLATILE"):
            kind, name, _, word = self.type(word)
        return kind, name, word


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
    assert {k: btf.values.get(k) for k in want} == want

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads a profile by the numbers of the format's fields, and holds it to what servers demand of one."""
import gzip

ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE = range(4)
TYPES = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def fields(data):
    """{number: [values]}; a value is a whole number, or bytes"""
    out, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, "wire type %d" % (key & 7)
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            assert len(value) == size
        out.setdefault(key >> 3, []).append(value)
    return out


def packed(values):
    out = []
    for v in values:
        at = 0
        while isinstance(v, bytes) and at < len(v):
            one, at = varint(v, at)
            out.append(signed(one))
        if not isinstance(v, bytes):
            out.append(signed(v))
    return out


class Profile:
    def __init__(self, data):
        assert data[:3] == b"\x1f\x8b\x08" and data[4:8] == bytes(4), "gzip, with no time in its header"
        top = fields(gzip.decompress(data))
        self.strings = [s.decode("utf-8") for s in top[6]]
        assert self.strings[0] == "" and len(set(self.strings)) == len(self.strings)
        self.types = [self.pair(v) for v in top[1]]
        self.mappings = self.table(top.get(3, []), 1)
        self.functions = self.table(top.get(5, []), 1)
        self.locations = self.table(top.get(4, []), 1)
        self.samples = [self.sample(fields(s)) for s in top.get(2, [])]
        self.time, self.duration = top.get(9, [0])[0], top.get(10, [0])[0]
        self.period_type, self.period = self.pair(top[11][0]), top[12][0]
        self.comments = [self.strings[i] for i in packed(top.get(13, []))]
        self.default = self.strings[top[14][0]]
        assert self.types == TYPES and self.default == "inuse_space"

    def pair(self, data):
        f = fields(data)
        return self.strings[f[1][0]], self.strings[f[2][0]]

    @staticmethod
    def table(rows, number):
        """Parca wants ids to be 1, 2, 3 ... in the order of the table."""
        rows = [fields(r) for r in rows]
        assert [r[number][0] for r in rows] == list(range(1, len(rows) + 1))
        return rows

    def sample(self, f):
        values = packed(f[2])
        assert len(values) == len(TYPES) and min(values) >= 0 and max(values) > 0
        labels = {}
        for row in map(fields, f.get(3, [])):
            key = self.strings[row[1][0]]
            assert key and key not in labels
            labels[key] = self.strings[row[2][0]] if 2 in row else row[3][0]
        return packed(f[1]), values, labels

    def total(self, what):
        return sum(values[what] for _, values, _ in self.samples)

    def lines(self, location):
        """[(function, file, line)], inlined ones first; without one: what is known"""
        row = self.locations[location - 1]
        mapping, address = self.mappings[row[2][0] - 1], row.get(3, [0])[0]
        start = mapping.get(2, [0])[0]
        assert start <= address < mapping[3][0]
        out = []
        for line in map(fields, row.get(4, [])):
            f = self.functions[line[1][0] - 1]
            out.append((self.strings[f[2][0]], self.strings[f.get(4, [0])[0]], signed(line.get(2, [0])[0])))
        return out or [("0x%x" % (address - start), self.file(mapping), 0)]

    def file(self, mapping):
        return self.strings[mapping[5][0]]

    def stack(self, sample):
        """Innermost first."""
        return [line for at in sample[0] for line in self.lines(at)]

    def dump(self):
        """As text."""
        yield "%s period %d, %d ns until %d" % (self.period_type, self.period, self.duration, self.time)
        yield from self.comments
        for m in self.mappings:
            yield "mapping %s %s%s" % (self.file(m), self.strings[m.get(6, [0])[0]] or "-", "" if 7 in m else " no names")
        for sample in self.samples:
            yield "%s %s" % (sample[1], " ".join("%s=%s" % kv for kv in sample[2].items()))
            for line in self.stack(sample):
                yield "  %s %s:%d" % line

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""src/base/thresholds.h, read: every threshold with its section, value and meaning."""
import collections
import os
import re

import corpus

HEADER = os.path.join(corpus.TOP, "src/base/thresholds.h")
DOC = os.path.join(corpus.TOP, "docs/SCORING.md")
Threshold = collections.namedtuple("Threshold", "section name value meaning")


def rows(text, pattern):
    """The rows that a pattern finds: a section's title, or a threshold's name, value and meaning, so named."""
    found, section = [], None
    for m in re.finditer(pattern, text, re.M):
        section = m["title"] or section
        if m["name"]:
            found.append(Threshold(section, m["name"], m["value"], m["meaning"]))
    return found


def of_header(path=HEADER):
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("\n * ", " ").replace("\n */", " */")
    return rows(text, r"/\* ---- (?P<title>.*?) ---- \*/|/\* (?P<meaning>[^*]*?) \*/\n#define (?P<name>\w+) (?P<value>\S+)")


def of_doc(path=DOC):
    with open(path, encoding="utf-8") as f:
        text = f.read().split("\n## All thresholds\n")[1]
    return rows(text, r"^\*\*(?P<title>.*)\*\*$|^\| `(?P<name>\w+)` \| (?P<value>\S+) \| (?P<meaning>.*) \|$")


def headings(path=DOC):
    with open(path, encoding="utf-8") as f:
        return [re.sub(r" \(.*\)$", "", h) for h in re.findall(r"^## (.*)$", f.read(), re.M)]

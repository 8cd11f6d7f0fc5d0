# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""src/base/thresholds.h, read: every threshold with its section, value and meaning."""
import collections
import os
import re

import corpus

HEADER = os.path.join(corpus.TOP, "src/base/thresholds.h")
DOC = os.path.join(corpus.TOP, "docs/SCORING.md")
Threshold = collections.namedtuple("Threshold", "section name value meaning")


def of_header(path=HEADER):
    with open(path, encoding="utf-8") as f:
        text = f.read().replace("\n * ", " ").replace("\n */", " */")
    found, section = [], None
    for title, meaning, name, value in re.findall(
            r"/\* ---- (.*?) ---- \*/|/\* ([^*]*?) \*/\n#define (\w+) (\S+)", text):
        section = title or section
        if name:
            found.append(Threshold(section, name, value, meaning))
    return found


def of_doc(path=DOC):
    with open(path, encoding="utf-8") as f:
        text = f.read().split("\n## All thresholds\n")[1]
    found, section = [], None
    for title, name, value, meaning in re.findall(r"^\*\*(.*)\*\*$|^\| `(\w+)` \| (\S+) \| (.*) \|$", text, re.M):
        section = title or section
        if name:
            found.append(Threshold(section, name, value, meaning))
    return found


def headings(path=DOC):
    with open(path, encoding="utf-8") as f:
        return [re.sub(r" \(.*\)$", "", h) for h in re.findall(r"^## (.*)$", f.read(), re.M)]

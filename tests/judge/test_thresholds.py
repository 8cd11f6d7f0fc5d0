# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The thresholds of the judge: what the document says is what the program does."""
import glob
import os
import re

import corpus
import thresholds


def test_the_document_has_the_values_of_the_header():
    in_header = thresholds.of_header()
    assert len(in_header) > 80
    assert thresholds.of_doc() == in_header


def test_each_has_a_section_that_explains_it():
    assert {t.section for t in thresholds.of_header()} <= set(thresholds.headings())


def test_each_is_defined_there_alone_and_used():
    text = ""
    for path in glob.glob(os.path.join(corpus.TOP, "src/*/*.[ch]")):
        if not path.endswith("/thresholds.h"):
            with open(path, encoding="utf-8") as f:
                text += f.read()
    words, defined = set(re.findall(r"\w+", text)), set(re.findall(r"#define (\w+)", text))
    for t in thresholds.of_header():
        assert t.name in words, "%s has no effect" % t.name
        assert t.name not in defined

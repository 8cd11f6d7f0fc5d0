# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""build/report.schema.json accepts what the tool writes and nothing else."""
import copy
import glob
import json
import os

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return json.load(f)


@pytest.fixture(scope="module", name="validator")
def validator_fixture():
    schema = load(os.environ.get("PYLEAK_BUILD", "build"), "report.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(ROOT, "tests/golden/*.json"))))
def test_golden_reports_are_valid(validator, path):
    validator.validate(load(path))


def set_at(report, path, value):
    for key in path[:-1]:
        report = report[key]
    report[path[-1]] = value


P, S = ("processes", 0), ("processes", 0, "sites", 0)
WRONG = [
    (("schema",), "pyleak-bpf/report/2"),
    (("surprise",), 1),
    (("not_watched",), 0),
    (("started_at",), "2023-11-14 22:13:20"),
    (P + ("pid",), 0),
    (P + ("surprise",), None),
    (P + ("mode",), "fast"),
    (P + ("lost", "ring_full"), -1),
    (P + ("memory", "rss_bytes"), "1 MiB"),
    (P + ("memory", "parts"), {"cake": {"bytes": 1, "growth_bytes_per_s": 0}}),
    (P + ("probe", "coverage"), 1.5),
    (P + ("verdict", "class"), "LEAK"),
    (S + ("id",), "12AB"),
    (S + ("stack", 0, "line"), 0),
    (S + ("stack", 0, "lang"), "perl"),
    (S + ("hint",), {"code": "magic", "text": "?"}),
]


@pytest.mark.parametrize("path,value", WRONG, ids=[".".join(map(str, p)) for p, _ in WRONG])
def test_anything_else_is_refused(validator, path, value):
    report = copy.deepcopy(load("tests", "golden", "report.json"))
    validator.validate(report)
    set_at(report, path, value)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(report)


def every_object(value, path=()):
    if isinstance(value, dict):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if isinstance(child, (dict, list)):
            yield from every_object(child, path + (key,))


OPTIONAL = ("source", "around", "notes", "stays")


def test_no_key_may_be_missing(validator):
    good = load("tests", "golden", "report.json")
    for path, value in every_object(good):
        if path[-1:] in (("lost",), ("parts",)):  # their keys are not fixed
            continue
        for key in value.keys() - OPTIONAL:
            report = copy.deepcopy(good)
            at = report
            for step in path:
                at = at[step]
            del at[key]
            assert not validator.is_valid(report), path + (key,)

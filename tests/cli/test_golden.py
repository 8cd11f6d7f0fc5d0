# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Five saved reports in every format, exactly: real runs, the workers of one pod, a fleet of two hosts, hostile names.
UPDATE_GOLDEN=1 writes the files anew."""
import glob
import os
import re
import subprocess

import pytest

import lib_pprof

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf"))
FOLDER = os.path.join(ROOT, "tests", "golden", "formats")
REPORTS = ["native", "descriptors", "workers", "fleet", "hostile"]
RECORDINGS = sorted(glob.glob(os.path.join(ROOT, "tests", "judge", "corpus", "*.rec")))[::12]


def run(*args):
    done = subprocess.run([TOOL, *args], capture_output=True, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def as_it_is(data):
    return data


def as_text(data):
    """How zlib compresses may change: what it compresses may not."""
    return ("\n".join(lib_pprof.Profile(data).dump()) + "\n").encode()


def as_page(data):
    """Without the script and the style, which are the same for all reports, and their hashes. A line for each element."""
    data = re.sub(rb"(<style>).*?(</style>)", rb"\1\2", data, flags=re.S)
    data = re.sub(rb"(<script>).*?(</script>)", rb"\1\2", data, flags=re.S)
    data = re.sub(rb"'sha256-[^']*'", b"'sha256-'", data)
    return re.sub(rb"(<(?:script|section|pre|noscript)\b)", rb"\n\1", data)


# Name of the golden file behind that of the report, what asks for the format, and how it becomes text.
FORMATS = {
    "txt": (["-v"], as_it_is),
    "json": (["--json", "-"], as_it_is),
    "folded": (["--folded", "-"], as_it_is),
    "speedscope.json": (["--speedscope", "-"], as_it_is),
    "pprof.txt": (["--pprof", "-"], as_text),
    "html": (["--html", "-"], as_page),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_exactly(report, name):
    asked, text = FORMATS[name]
    got = text(run("--from", os.path.join(FOLDER, report + ".json"), *asked))
    path = os.path.join(FOLDER, "%s.%s" % (report, name))
    if os.environ.get("UPDATE_GOLDEN") and name != "json":
        with open(path, "wb") as f:
            f.write(got)
    with open(path, "rb") as f:
        assert got.decode() == f.read().decode()


@pytest.mark.parametrize("recording", RECORDINGS, ids=[os.path.basename(p) for p in RECORDINGS])
def test_what_is_read_is_what_was_written(tmp_path, recording):
    path = tmp_path / "report.json"
    path.write_bytes(run("--from", recording, "--json", "-"))
    assert run("--from", path, "--json", "-") == path.read_bytes()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs inside the test VM: the core set, two at a time, results to /tmp/vm/matrix.jsonl."""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import pythons  # noqa: E402
import zoo  # noqa: E402


def main():
    names = sys.argv[1:] or zoo.VM_SET
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(harness.run_pair, pythons.host(), zoo.PROGRAMS[n]) for n in names]
        for future in concurrent.futures.as_completed(runs):
            result = future.result()
            with open("/tmp/vm/matrix.jsonl", "a") as f:
                f.write(harness.row(result) + "\n")
            print(result.program, "ok" if result.ok else result.problems, flush=True)
            bad += not result.ok
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of `serve` to a host and its Prometheus: bytes and series of a scrape, how long it takes, CPU and memory of the
agent, by the number of Pythons on the host. One in fifty leaks.

    serve.py [--tool build/pyleak-bpf] [--processes 1,50,200] [--seconds 60]
"""
import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import harness  # noqa: E402
import pythons  # noqa: E402

MARK = "pyleak-serve-bench"
IDLE = "import time, json\nkeep = [{'n': n} for n in range(2000)]\nwhile True:\n time.sleep(0.2); json.loads('[1, 2]')\n"
LEAK = "import time\nkeep = []\nwhile True:\n keep.append({'n': len(keep) + 0.5}); time.sleep(0.002)\n"


def get(port, path):
    """(seconds, text)"""
    begin = time.monotonic()
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=60) as answer:
        text = answer.read().decode()
    return time.monotonic() - begin, text


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(tool, n, seconds):
    versions = [pythons.host(), *pythons.debian_roots()]
    children, port = [], harness.free_port()
    for i in range(n):
        python = versions[i % len(versions)]
        command = [python.path, "-c", IDLE if i % 50 else LEAK, MARK]
        children.append(subprocess.Popen((["chroot", python.root] if python.root else []) + command, stdin=subprocess.DEVNULL))
    agent = subprocess.Popen([tool, "serve", "-q", "--name", MARK, "--listen", "127.0.0.1:%d" % port], stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                if get(port, "/metrics")[1].count("pyleak_process_verdict{") >= min(n, 100):
                    break
            if time.monotonic() > end:
                sys.exit("serve does not see all of the processes")
            time.sleep(0.5)
        before, begin, waits = cpu_s(agent.pid), time.monotonic(), []
        while time.monotonic() - begin < seconds:
            time.sleep(1)
            wait, text = get(port, "/metrics")
            waits.append(wait)
        used = (cpu_s(agent.pid) - before) / (time.monotonic() - begin)
        with open("/proc/%d/status" % agent.pid) as f:
            rss = next(int(x.split()[1]) for x in f if x.startswith("VmRSS:"))
        series = sum(1 for x in text.splitlines() if x and x[0] != "#")
        print("| %d | %d | %d | %.1f kB | %.0f kB | %.1f ms | %.1f ms | %.2f %% | %.0f MB |"
              % (n, text.count('class="leak"} 1'), series, len(text) / 1e3, len(get(port, "/report.json")[1]) / 1e3,
                 1e3 * statistics.median(waits), 1e3 * max(waits), 100 * used, rss * 1.024e-3), flush=True)  # fmt: skip
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(60)
        for child in children:
            child.kill()
            child.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=os.path.join(TOP, "build", "pyleak-bpf"))
    parser.add_argument("--processes", default="1,50,200")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    print("| Pythons | leak | series | a scrape | report.json | takes, median | longest | CPU of a core | RSS |")
    print("|---|---|---|---|---|---|---|---|---|")
    for n in args.processes.split(","):
        measure(args.tool, int(n), args.seconds)


if __name__ == "__main__":
    main()

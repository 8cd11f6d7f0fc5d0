# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server with workers that leak one record per request: the parent owns many objects that it did not
leak, every worker inherits them. Each worker writes what it has really leaked into a file of its own."""
import argparse
import multiprocessing
import os
import signal
import sys
import time

PARENTS = []
KEPT = []


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("fork", "spawn", "forkserver", "prefork", "short", "cow"), default="fork")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--recycle", default="", help="prefork: the first workers end when this file is there")
    parser.add_argument("--rate", type=float, default=400.0, help="requests per second and worker")
    parser.add_argument("--go", required=True, help="workers start when this file is there")
    parser.add_argument("--truth", required=True, help="directory")
    parser.add_argument("--children", type=int, default=1000, help="short: how many in all")
    parser.add_argument("--owned", type=int, default=50000, help="objects that the parent has before")
    parser.add_argument("--seconds", type=float, default=180.0)
    return parser.parse_args()


def remember():
    KEPT.append({"user": "alice", "role": "guest", "active": True})  # LEAK


def say(fd, leaked):
    os.write(fd, ('{"wall": %.6f, "leaked": %d}\n' % (time.time(), leaked)).encode())


def work(directory, rate, recycle, end):
    """One that is held up does not make up for it: a leak of somebody busy is no staircase."""
    path = os.path.join(directory, str(os.getpid()))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    done, told, last, owed = 0, 0.0, time.monotonic(), 0.0
    say(fd, 0)
    while last < end and not (recycle and os.path.exists(recycle)):
        now = time.monotonic()
        owed += min(now - last, 0.05) * rate
        last = now
        while owed >= 1:
            remember()
            owed -= 1
            done += 1
        if now > told + 0.1:
            say(fd, done)
            told = now
        time.sleep(0.005)
    say(fd, done)
    os.close(fd)


def prefork(args, end):
    """As gunicorn does: a master forks workers, and a new one for each that ends. The second ones stay."""
    alive, forked = set(), 0
    while time.monotonic() < end:
        while len(alive) < args.workers:
            pid = os.fork()
            if not pid:
                work(args.truth, args.rate, args.recycle if forked < args.workers else "", end)
                os._exit(0)
            alive.add(pid)
            forked += 1
        pid, _ = os.waitpid(-1, os.WNOHANG)
        alive.discard(pid)
        time.sleep(0.02)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def short(args, end):
    """Children that live some milliseconds, and the parent leaks for each: it must stay in sight."""
    fd = os.open(os.path.join(args.truth, str(os.getpid())), os.O_WRONLY | os.O_CREAT, 0o644)
    say(fd, 0)
    for n in range(args.children):
        pid = os.fork()
        if not pid:
            os._exit(0)
        for _ in range(40):
            remember()
        os.waitpid(pid, 0)
        time.sleep(max(0.02, 12 / args.children))  # few of them are not over before anybody looks
        if n % 10 == 9:
            say(fd, 40 * (n + 1))
    open(args.truth + "/done", "w").close()
    while time.monotonic() < end:
        time.sleep(0.1)


def touch(args, end):
    """Copies of the parent's pages come into being as references are counted: no leak of anybody's."""
    fd = os.open(os.path.join(args.truth, str(os.getpid())), os.O_WRONLY | os.O_CREAT, 0o644)
    say(fd, 0)
    at = 0
    while time.monotonic() < end:
        seen = PARENTS[at : at + 100]
        at = (at + len(seen)) % len(PARENTS)
        time.sleep(0.02)


def cow(args, end):
    for _ in range(2):
        if not os.fork():
            touch(args, end)
            os._exit(0)
    while time.monotonic() < end:
        time.sleep(0.1)


def main():
    args = arguments()
    end = time.monotonic() + args.seconds
    for i in range(args.owned):
        PARENTS.append({"config": i, "of": "the parent"})
    open(args.truth + "/ready", "w").close()
    while not os.path.exists(args.go):
        time.sleep(0.02)
    if args.kind == "prefork":
        prefork(args, end)
    elif args.kind == "short":
        short(args, end)
    elif args.kind == "cow":
        cow(args, end)
    else:
        context = multiprocessing.get_context(args.kind)
        workers = [
            context.Process(target=work, args=(args.truth, args.rate, "", end), daemon=True)
            for _ in range(args.workers)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    sys.stdout.flush()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Six workloads that count what they do: every 50 ms a record (time, operations, longest gap)."""
import argparse
import array
import asyncio
import json
import operator
import os
import re
import struct
import sys
import time

RECORD = struct.Struct("<dQd")
EVERY_S = 0.05


class Counter:
    """Counts operations and the longest time between two of them."""

    def __init__(self, path, seconds):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self.ops = 0
        self.gap = 0.0
        self.last = time.monotonic()
        self.next = self.last
        self.end = self.last + seconds

    def step(self, n=1):
        now = time.monotonic()
        if now - self.last > self.gap:
            self.gap = now - self.last
        self.last = now
        self.ops += n
        if now >= self.next:
            os.write(self.fd, RECORD.pack(now, self.ops, self.gap))
            self.next = now + EVERY_S
            self.gap = 0.0
            return now < self.end
        return True


def births(counter):
    """Allocation-bound: some ten million objects a second, each dropped at once."""
    run = True
    while run:
        pairs = [(i, i * 0.5) for i in range(300)]
        boxes = [[p] for p in pairs]
        run = counter.step(len(boxes))


def json_service(counter):
    text = json.dumps({"items": [{"id": i, "name": "item %d" % i, "price": i * 1.5} for i in range(12)]})
    run = True
    while run:
        order = json.loads(text)
        total = sum(item["price"] for item in order["items"])
        json.dumps({"total": total, "names": [item["name"].upper() for item in order["items"]]})
        run = counter.step()


async def echo(counter):
    async def serve(reader, writer):
        while True:
            line = await reader.readline()
            if not line:
                break
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    state = {"run": True}

    async def client(n):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        message = b"hello from %d\n" % n
        while state["run"]:
            writer.write(message)
            assert await reader.readline() == message
            if not counter.step():
                state["run"] = False
        writer.close()

    await asyncio.gather(*(client(n) for n in range(16)))
    server.close()


def asyncio_echo(counter):
    asyncio.run(echo(counter))


def text(counter):
    words = re.compile(r"[a-z]{3,}")
    page = "The quick brown fox jumps over the lazy dog, again and again. " * 6
    run = True
    while run:
        found = words.findall(page.lower())
        " ".join(w.title() for w in sorted(set(found)))
        page.replace("fox", "cat").split(" ")
        run = counter.step()


def arrays(counter):
    a = array.array("d", range(4000))
    b = array.array("d", range(4000, 8000))
    run = True
    while run:
        sum(map(operator.mul, a, b))
        run = counter.step()


def idle(counter):
    run = True
    while run:
        time.sleep(0.005)
        run = counter.step()


WORKLOADS = {
    "births": births,
    "json": json_service,
    "asyncio": asyncio_echo,
    "text": text,
    "array": arrays,
    "idle": idle,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(WORKLOADS))
    parser.add_argument("out")
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    WORKLOADS[args.kind](Counter(args.out, args.seconds))


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Stacks of every kind, with what the program itself says about them. Runs on CPython 3.8 - 3.15.

usage: scenes.py SCENE[,SCENE] hold|wait|work

Builds the stack named SCENE and prints, as one line of JSON, its frames, innermost first:
[function, address of the code object, offset of the instruction, line]. The innermost frame's offset
is null: it moves on. Then stays there inside one C call that never drops the GIL (hold) or that has
dropped it (wait), or goes on for ever handing an object of class Mark to builtins (work).
"""
import asyncio
import dis
import json
import os
import sys
import threading
import time

native = None  # a thread that has never seen Python


def line_of(code, lasti):
    line = code.co_firstlineno
    for start, at in dis.findlinestarts(code):
        if start > lasti:
            break
        if at is not None:
            line = at
    return line


def say(frame, mark):
    out = []
    inner = frame.f_code
    while frame:
        c = frame.f_code
        out.append([c.co_name, id(c), None if c is inner and not out else frame.f_lasti,
                    frame.f_lineno])
        frame = frame.f_back
    lines = [[s, n] for s, n in dis.findlinestarts(inner) if n is not None]
    print(json.dumps({"frames": out, "lines": lines, "thread": threading.get_ident(),
                      "mark": id(mark), "native": native}), flush=True)


def stay(mode):
    class Mark:
        __slots__ = ("x",)

    say(sys._getframe(), Mark)
    if mode == "hold":
        sum(range(1 << 62))
    if mode == "wait":
        time.sleep(3600)
    mark = Mark()
    while True:
        repr(mark), hash(mark), id(mark), str(mark), dir(mark), time.sleep(0.002)


def recurse(n, mode):
    if n:
        return recurse(n - 1, mode)
    return stay(mode)


def scene_plain(mode):
    stay(mode)


def scene_nested(mode):
    recurse(40, mode)


def scene_deep(mode):
    recurse(100, mode)


def scene_deeper(mode):
    sys.setrecursionlimit(5000)
    recurse(300, mode)


def numbers(mode):
    yield 1
    yield stay(mode)


def scene_generator(mode):
    for _ in numbers(mode):
        pass


def scene_yield_from(mode):
    def outer():
        yield from numbers(mode)
    list(outer())


def scene_coroutine(mode):
    async def inner():
        await asyncio.sleep(0)
        stay(mode)

    async def middle():
        await inner()

    asyncio.run(middle())


def scene_sorted(mode):
    def key(x):
        recurse(3, mode)
        return x
    sorted([3, 2, 1], key=key)


def scene_class(mode):
    class Late:
        def __init__(self):
            self.a = {k: v for k, v in zip("ab", map(self.step, [1, 2]))}

        def step(self, x):
            stay(mode)
            return x
    Late()


def scene_thread(mode):
    t = threading.Thread(target=recurse, args=(5, mode))
    t.start()
    t.join()


def scene_subinterpreter(mode):
    try:
        import _interpreters as sub
    except ImportError:
        import _xxsubinterpreters as sub
    head = "import sys; sys.argv = ['-c', 'nested', %r]\n" % mode
    sub.run_string(sub.create(), head + os.environ["PYLEAK_TEST_SCENES"])


def scene_native(mode):
    import ctypes
    global native
    libc, thread = ctypes.CDLL(None), ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
    native = thread.value
    stay(mode)


def main():
    *others, last = [globals()["scene_" + name] for name in sys.argv[1].split(",")]
    for scene in others:
        threading.Thread(target=scene, args=(sys.argv[2],)).start()
        sys.stdin.readline()
    last(sys.argv[2])


if __name__ == "__main__":
    main()

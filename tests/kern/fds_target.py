# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens descriptors in every way, once, when told to by a signal. "OPENS n": what stays open of a line."""
import array
import ctypes
import os
import select
import signal
import socket
import subprocess
import threading
import time

KEPT = []
A, B = socket.socketpair()
C, D = socket.socketpair()
D.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # credentials come in front of descriptors
NULL = os.open(os.devnull, os.O_RDONLY)
SYSCALL = ctypes.CDLL(None).syscall


def unseen():
    """The number of a file that was opened here is taken by one that is opened past libc's open."""
    number = os.open("/etc/passwd", os.O_RDONLY)
    os.close(number)
    return SYSCALL(257, -100, b"/etc/group", 0) == number  # UNSEEN


def work(*_):
    KEPT.append(open("/etc/passwd"))  # OPENS 1
    KEPT.append(socket.socketpair())  # OPENS 2
    os.pipe()  # OPENS 2
    os.dup(0)  # OPENS 1
    os.dup2(0, 300)  # OPENS 1
    KEPT.append(select.epoll())  # OPENS 1
    KEPT.append(os.scandir("/usr"))  # OPENS 1
    A.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [NULL, NULL, NULL]))])
    B.recvmsg(1, socket.CMSG_SPACE(12))  # OPENS 3
    C.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [NULL]))])
    D.recvmsg(1, 100)  # OPENS 1
    numbers = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]  # OPENS 1
    os.closerange(numbers[0], numbers[-1])
    os.open("/etc/hostname", os.O_RDONLY | os.O_CLOEXEC)  # OPENS 1
    KEPT.append(subprocess.Popen(["true"], stdin=subprocess.DEVNULL))
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    if not unseen():
        os._exit(1)


signal.signal(signal.SIGUSR1, work)
while True:
    time.sleep(0.05)

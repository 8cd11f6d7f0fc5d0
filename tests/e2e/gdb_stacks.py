# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs inside gdb: the program counters and names of all threads' frames, as JSON lines."""
import json

import gdb

gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frames = []
    frame = gdb.newest_frame()
    why = ""
    while frame is not None and len(frames) < 1000:
        # Inlined functions have no frame of their own; tail calls left none, gdb infers them.
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            frames.append((frame.pc(), frame.name()))
        try:
            older = frame.older()
        except gdb.error as e:
            why = str(e)
            break
        if older is None:
            why = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
        frame = older
    print("STACK " + json.dumps({"tid": thread.ptid[1], "frames": frames, "why": why}))

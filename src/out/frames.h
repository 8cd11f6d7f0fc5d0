/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames by number, for formats that write each of them once. */
#ifndef PYLEAK_OUT_FRAMES_H
#define PYLEAK_OUT_FRAMES_H

#include "base/map64.h"
#include "report/report.h"

struct out_frame {
	const struct report_frame *at;
};

/* Zeroed is empty. */
struct out_frames {
	struct map64 index; /* hash of a frame -> its number + 1 */
	bool is_exact;	    /* a C function is one frame for each address in it */
	VEC(struct out_frame) v;
};

/* The number of @at, a new one when it has none; SIZE_MAX when memory ran out. What @at points to
 * is used until out_frames_fini(). */
size_t out_frames_put(struct out_frames *fr, const struct report_frame *at);
void out_frames_fini(struct out_frames *fr);

#endif

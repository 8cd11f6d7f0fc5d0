/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers frames, for formats that write each frame once. */
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
	bool is_exact;	    /* frames at other addresses are other frames */
	VEC(struct out_frame) v;
};

/* Returns the number of a frame equal to @at, which is added if there is none; SIZE_MAX when memory
 * ran out. @at must stay valid until out_frames_fini(). */
size_t out_frames_put(struct out_frames *fr, const struct report_frame *at);
void out_frames_fini(struct out_frames *fr);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages on the guardian's sockets: one request, one answer; each is one packet. */
#ifndef PYLEAK_PROBE_GUARD_PRIV_H
#define PYLEAK_PROBE_GUARD_PRIV_H

#include <stdatomic.h>

#include "base/helper.h"
#include "base/packet.h"
#include "probe/guard.h"
#include "probe/mechanism_priv.h"
#include "probe/turn.h"

#define POLL_MS	      50   /* between two looks for an answer */
#define GUARD_OFFSETS 8192 /* in one request */

/* On the control socket: what a packet of so many bytes means. */
#define GUARD_ALARM   1
#define GUARD_LEAVE   2
#define GUARD_CHANNEL 4 /* with one descriptor */

enum guard_op {
	GUARD_OPEN, /* with the descriptors of the file and of the program */
	GUARD_WARM,
	GUARD_ON,
	GUARD_OFF, /* @set, and as many more as there are in offset[] */
	GUARD_CLOSE,
	GUARD_CHOOSE,
	GUARD_SHED, /* all sets of the channel that are on */
};

struct guard_request {
	uint32_t op, set; /* set: as answered to GUARD_OPEN */
	uint32_t mechanism, on_return, is_library;
	int32_t pid;
	uint32_t n; /* offsets, further sets, or sites to choose for */
	char label[24];
	uint64_t offset[];
};

struct guard_answer {
	int32_t err;
	uint32_t value; /* number of the set; mechanism; sites that were shed */
	char why[640];
};

/* Shared by both processes. */
struct guard_page {
	_Atomic uint64_t beat_ns;
	_Atomic uint64_t trip_ns;
	_Atomic uint32_t trips;
	_Atomic uint32_t is_on;	   /* sets that are on: no heartbeat is needed without */
	_Atomic uint32_t event_ns; /* probe_event_ns() of what was chosen */
	struct turn_news news;
};

struct probe_guard {
	struct helper helper;
	struct guard_page *page;
	bool (*is_cancelled)(void);
	bool is_left;	     /* to itself: it did not answer when we were to end */
	bool may_hang;	     /* a thread of it waits for storage, perhaps for good */
	unsigned read_polls; /* so many times an answer is looked for, where storage is read */
	bool ends_with_us;
	_Atomic bool is_awaited;
};

/* guard.c */
/* As where probes cannot be set at all: sources go on without. */
int guard_has_ended(void);
/* However long it takes, unless we are to end and it takes more than @patience_ns. The kernel may
 * take seconds over a probe where others place some, too. */
int guard_wait_for(struct probe_guard *g, int sock, uint64_t patience_ns, struct guard_answer *a);

/* guard_tool.c */
/* Out of the cgroup in which the tool can be frozen. */
void guard_leave_freezer(void);

/* The guardian itself: returns when the tool is gone and nothing is in any more. */
void guard_serve(int control, struct guard_page *page, pid_t tool, bool comes_first);

#endif

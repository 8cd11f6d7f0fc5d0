/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Children of the target that are forked while probes stay in. A child inherits the breakpoints.
 * With tracefs and perf it loses each where it runs into it; uprobe_multi leaves them, and a busy
 * child of a quiet parent would pay 0.6 us for each of its births. So forks are counted in the
 * kernel, and after one the guardian has the breakpoints taken out of all who have inherited them.
 */
#include <bpf/libbpf.h>

#include "session/session_priv.h"

#include "pyleak.skel.h"

#define LOOK_NS 50000000
/* Where births' probes stay in, they wake up the loop more often. */
#define SLACK_NS 150000000
#define REST_NS	 1000000000  /* between two: each looks at all who map the file */
#define BUSY_NS	 30000000000 /* changes of probes are paused for as long at least */

struct forks {
	struct session *s;
	struct bpf_link *link;
	uint64_t seen, asked; /* forks; asked: as of the request under way, 0 = there is none */
};

static int open_forks(void *self, struct session *s)
{
	struct forks *f = self;

	f->s = s;
	if (s->kern.mechanism != PROBE_MULTI || !s->kern.channel)
		return 0;
	f->link = bpf_program__attach(s->kern.skel->progs.target_forked);
	if (!f->link)
		session_note(s,
			     "children of the process keep breakpoints that they inherit for as "
			     "long as it has them: the tracepoint of fork cannot be used (%s)",
			     strerror(errno));
	return 0;
}

static bool close_forks(void *self)
{
	struct forks *f = self;

	bpf_link__destroy(f->link);
	return true;
}

static uint64_t step(void *self, uint64_t now_ns)
{
	struct forks *f = self;
	uint64_t forks = f->s->kern.stats->forks;
	size_t sites;
	int err;

	if (!f->link)
		return 0;
	if (!f->asked) {
		f->asked = forks != f->seen && !probe_guard_shed(f->s->kern.channel) ? forks : 0;
		return now_ns + LOOK_NS;
	}
	err = probe_guard_shed_done(f->s->kern.channel, &sites);
	if (err == -EINPROGRESS)
		return now_ns + LOOK_NS;
	account_planted(&f->s->ledger.of[LEDGER_BIRTHS], sites); /* at most: they were in */
	f->seen = err ? f->seen : f->asked;
	f->asked = 0;
	return err == -ENOTSUP ? 0 : now_ns + (err == -EBUSY ? BUSY_NS : REST_NS);
}

const struct source_ops forks_source = {
	.first_ns = LOOK_NS,
	.slack_ns = SLACK_NS,
	.size = sizeof(struct forks),
	.is_probing = true,
	.open = open_forks,
	.step = step,
	.close = close_forks,
};

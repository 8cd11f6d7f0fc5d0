/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A session's life: open, steps, close. */
#include <bpf/libbpf.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "session/census_worker.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/session_priv.h"

#define BUCKET_S     1.0
#define LOOK_NS	     1000000000	    /* between whole looks at whether the target is still there */
#define TRIM_NS	     10000000000ull /* when many stacks are needed, not again at once */
#define WORKER_SHARE 0.01	    /* of a core, for censuses by type */

/* Once, however often it is said. */
void session_note(struct session *s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (size_t i = 0; i < s->n_notes; i++)
		if (!strcmp(s->note[i], text)) {
			free(text);
			return;
		}
	if (s->n_notes < SESSION_NOTES)
		s->note[s->n_notes++] = text;
	else
		free(text);
}

/* Both halves keep a bounded number of stacks: what no survivor and no live block needs any more is
 * forgotten here and there, and told again should it come back. */
static void trim_stacks(struct session *s)
{
	auto_free uint64_t *gone = NULL;
	struct native_sites native = {0};
	struct map64 keep = {0};
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);

	for (size_t i = 0; i < n; i++)
		map64_put(&keep, v[i].stack);
	v = ladder_looked_at(s->ladder, &n);
	for (size_t i = 0; i < n; i++)
		map64_put(&keep, v[i].stack);
	if (s->native && !native_sites(s->native, &native))
		for (size_t i = 0; i < native.n; i++)
			map64_put(&keep, native.v[i].key.stack);
	native_sites_free(&native);
	session_fds_keep_stacks(s, &keep);
	if (!stacks_trim(s->stacks, &keep, &gone, &n))
		kern_forget_stacks(&s->kern, gone, n);
	map64_free(&keep);
	log_debug("%zu stacks forgotten, %zu kept", n, stacks_count(s->stacks));
}

void session_drain(struct session *s)
{
	if (!s->kern.ring)
		return;
	ring_buffer__consume(s->kern.ring);
	if (s->native_stacks)
		native_stacks_poll(s->native_stacks, s);
	if (stacks_are_many(s->stacks) && clock_ns() - s->trimmed_ns > TRIM_NS) {
		trim_stacks(s);
		s->trimmed_ns = clock_ns();
	}
}

static void name_session(struct session *s)
{
	snprintf(s->title, sizeof(s->title), "%s, CPython %s", s->proc->comm, s->rt->version);
}

/* Growth that no line explains may be of the sizes that were not asked for. */
static void note_sizes(struct session *s)
{
	char least[32], most[32];

	fmt_bytes(least, sizeof(least), (double)s->o.min_size);
	fmt_bytes(most, sizeof(most), (double)s->o.max_size);
	if (s->o.min_size && s->o.max_size != UINT64_MAX)
		session_note(s, "only sizes of %s to %s are looked at (-z, -Z)", least, most);
	else if (s->o.min_size)
		session_note(s, "only sizes of at least %s are looked at (-z)", least);
	else if (s->o.max_size != UINT64_MAX)
		session_note(s, "only sizes of at most %s are looked at (-Z)", most);
}

static int open_user_half(struct session *s)
{
	int err = heap_open(s->rt, &s->heap);

	if (!err)
		err = stacks_new(s->rt, &s->stacks);
	if (!err)
		err = names_new(s->rt, &s->names);
	if (!err)
		err = ladder_new(s->heap, s->stacks, &s->ladder);
	if (!err)
		err = trend_set_new(HEAP_CLASSES, BUCKET_S, &s->readings.classes);
	if (!err)
		err = trend_set_new(TREND_SERIES, BUCKET_S, &s->readings.memory);
	if (!err)
		err = memwatch_new(&s->memwatch);
	if (!err)
		s->parts = parts_start(s->proc);
	return err;
}

/* Births need sites, a mechanism and the kernel's consent. A build whose sites cannot all be
 * resolved is watched without them: a missing site would blame wrong lines. */
static int open_kernel_half(struct session *s)
{
	int err = sites_open(s);

	if (err && err != -ENOTSUP)
		return err;
	if (err)
		session_note(s, "births are not watched: %s", fail_text());
	err = kern_load(s, s->sites->n);
	if (err)
		return err;
	s->windows.mode = s->sites->n_files ? BIRTHS_BURSTS : BIRTHS_OFF;
	return sites_attach(s);
}

static int open_native(struct session *s)
{
	struct native_spec spec = {
		.proc = s->proc,
		.heap = s->heap,
		.skel = s->kern.skel,
		.mechanism = s->kern.mechanism,
		.channel = s->kern.channel,
		.account = &s->ledger.of[LEDGER_NATIVE],
		.older_ns = (uint64_t)(s->o.older_s * 1e9),
	};
	int err = native_open(&spec, &s->native);

	if (!err && *native_note(s->native))
		session_note(s, "%s", native_note(s->native));
	if (!err && s->o.native_stacks)
		err = native_stacks_open(s, &s->native_stacks);
	return err;
}

static int open_python(struct session *s)
{
	return py_open(s->proc, &s->rt);
}

/* The kernel may take seconds over a probe where others are set at the same time. */
static bool is_cancelled(const struct session *s)
{
	return s->o.is_cancelled && s->o.is_cancelled();
}

int session_open(int pid, const struct session_opts *o, struct session **out)
{
	static int (*const steps[])(struct session *) = {
		open_python, open_user_half, open_kernel_half, open_native, session_fds_open,
	};
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->o = *o;
	s->fds = session_fds_new();
	if (!s->fds) {
		free(s);
		return fail(-ENOMEM, "out of memory");
	}
	s->windows.random = (clock_ns() ^ ((uint64_t)pid << 32) ^ 0x9e3779b97f4a7c15ull) | 1;
	ledger_open(&s->ledger, o->overhead, clock_ns());
	err = kern_join(s);
	if (!err)
		err = proc_open(pid, &s->proc);
	if (!err && o->start_ticks && s->proc->start_ticks != o->start_ticks)
		err = fail(-ESRCH, "process %d has ended, and its number is another's now", pid);
	for (size_t i = 0; !err && i < ARRAY_SIZE(steps); i++)
		err = is_cancelled(s) ? fail(-ECANCELED, "stopped while attaching to %d", pid)
				      : steps[i](s);
	if (err) {
		session_close(s);
		return err;
	}
	dso_forget_bytes(s->rt->dso); /* the code was searched for births */
	name_session(s);
	if (!heap_can_count(s->heap))
		session_note(s, "the heap's pools cannot be read (allocator: %s): rates are rough",
			     py_allocator_name(s->rt->allocator));
	note_sizes(s);
	session_plan_jobs(s, clock_ns());
	session_beat(s);
	if (census_worker_start(s->proc, WORKER_SHARE, &s->worker))
		session_note(s, "%s", fail_text());
	*out = s;
	return 0;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	parts_stop(s->parts);
	native_stacks_close(s->native_stacks);
	census_worker_stop(s->worker);
	native_close(s->native);
	holders_free(s->holders);
	session_fds_close(s);
	focus_free(s);
	sites_close(s->sites);
	kern_close(&s->kern);
	ladder_free(s->ladder);
	stacks_free(s->stacks);
	names_free(s->names);
	trend_set_free(s->readings.classes);
	trend_set_free(s->readings.memory);
	memwatch_free(s->memwatch);
	heap_close(s->heap);
	py_close(s->rt);
	proc_close(s->proc);
	for (size_t i = 0; i < s->n_notes; i++)
		free(s->note[i]);
	free(s);
}

const char *session_title(const struct session *s)
{
	return s->title;
}

const char *session_end_reason(const struct session *s)
{
	return s->end_reason;
}

/* Has something happened to it, as far as one small read can tell? Its end and an exec take its
 * memory; what shares the memory with it (a child by vfork) shows a second later. */
static bool may_be_gone(struct session *s, uint64_t now)
{
	if (now - s->whole_look_ns < LOOK_NS && !proc_memory_gone(s->proc))
		return false;
	s->whole_look_ns = now;
	return true;
}

/* Has the target ended, or become another program? */
static bool target_gone(struct session *s)
{
	if (!proc_alive(s->proc))
		snprintf(s->end_reason, sizeof(s->end_reason), "process %d has ended",
			 s->proc->pid);
	else if (proc_execed(s->proc))
		snprintf(s->end_reason, sizeof(s->end_reason),
			 "process %d has exec'ed another program", s->proc->pid);
	else
		return false;
	s->ended = true;
	s->end_ns = clock_ns();
	/* Others may go on being watched: what runs there now is not ours to slow down or to read.
	 */
	session_births_off(s);
	native_pause(s->native);
	session_fds_pause(s, true);
	return true;
}

/* 1: something happened to the target; -EINTR: a signal. Asks even when it is too late to sleep: a
 * job on a target that has just ended would find all survivors dead. */
static int sleep_until(const struct session *s, uint64_t when)
{
	struct pollfd fd = {.fd = s->proc->pidfd, .events = POLLIN};
	uint64_t now = clock_ns(), wait = when > now ? when - now : 0;
	const struct timespec left = {
		.tv_sec = (time_t)(wait / 1000000000u),
		.tv_nsec = (long)(wait % 1000000000u),
	};
	int n;

	n = ppoll(&fd, 1, &left, NULL);
	return n < 0 ? -errno : n;
}

int session_step(struct session *s, double max_s)
{
	uint64_t until = clock_ns() + (uint64_t)(max_s * 1e9), checked = 0;

	while (!s->ended) {
		uint64_t now = clock_ns();
		int woke;

		session_beat(s);

		if (now - checked > 100000000) {
			checked = now;
			if (may_be_gone(s, now) && target_gone(s))
				return 1;
		}
		if (now >= until)
			return 0;
		woke = sleep_until(s, session_next_due(s, until));
		if (woke == -EINTR)
			return 0;
		if (woke > 0) {
			checked = s->whole_look_ns = 0;
			continue;
		}
		session_run_jobs(s);
	}
	return 1;
}

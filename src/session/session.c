/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens, steps and closes a session, and fills its reports. */
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "lines/text.h"
#include "py/shape.h"
#include "session/holders.h"
#include "session/memory.h"
#include "session/session_priv.h"
#include "session/sites.h"

#define LOOK_NS 1000000000 /* between whole looks at whether the target is still there */

/* Notes which sizes are looked at: growth that no line explains may be of others. */
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

/* Gives heartbeats while a heap is counted, which may take seconds. */
static int on_progress(const struct heap_progress *at, void *s)
{
	(void)at;
	session_keep_alive(s);
	return 0;
}

static int open_process(struct session *s, int pid)
{
	int err = proc_open(pid, &s->proc);

	if (!err && s->o.start_ticks && s->proc->start_ticks != s->o.start_ticks)
		err = fail(-ESRCH, "process %d has ended, and its number is another's now", pid);
	if (!err)
		err = session_go_on(s);
	if (!err)
		err = py_open(s->proc, &s->rt);
	if (!err)
		s->lines.started_at = lines_started_at(s->proc);
	if (!err)
		err = heap_open(s->rt, &s->heap);
	if (!err)
		heap_watch_by(s->heap, on_progress, s);
	if (!err)
		err = stacks_new(s->rt, &s->stacks);
	if (!err)
		err = names_new(s->rt, &s->names);
	return err ? err : session_go_on(s);
}

/* Finds birth sites and loads the kernel half. A build whose sites cannot all be resolved is
 * watched without births, as a missing site would blame wrong lines. */
static int open_kernel_half(struct session *s)
{
	int err = sites_open(s);

	if (err && err != -ENOTSUP)
		return err;
	if (err)
		session_note(s, "births are not watched: %s", fail_text());
	py_find_shape(s->rt, s->sites->n, places_tail_calls(s->rt));
	dso_forget_bytes(s->rt->dso); /* before the kernel half is loaded, which is big */
	err = kern_load(s, s->sites->n);
	if (err > 0)
		session_note(s, "growth alone was watched at first: %s", fail_text());
	if (err == -ENODATA)
		session_note(s, "only growth is told, for no probes can be placed: %s",
			     fail_text());
	return err > 0 || err == -ENODATA ? 0 : err;
}

void session_start(struct session *s)
{
	uint64_t now;

	session_beat(s); /* first, as time that it slept through does not count */
	now = clock_ns();
	ledger_look(&s->ledger, s->proc->pid, now); /* the time before does not count */
	ledger_start(&s->ledger, now);
	s->time.start_ns = now;
	if (!s->time.origin_ns)
		s->time.origin_ns = now;
	sources_start(s, now);
}

int session_open(int pid, const struct session_opts *o, struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->o = *o;
	ledger_open(&s->ledger, o->overhead, o->max_pause_s * 1e9, clock_ns());
	ledger_look(&s->ledger, pid, clock_ns());
	err = open_process(s, pid);
	if (!err)
		err = open_kernel_half(s);
	/* looks once more, as time has passed: it decides how much each source may cost */
	ledger_look(&s->ledger, pid, clock_ns());
	ledger_divide(&s->ledger, clock_ns(), (struct ledger_growth){.any = true});
	if (!err)
		err = sources_open(s);
	if (err) {
		session_close(s);
		return err;
	}
	dso_forget_bytes(s->rt->dso); /* sources have searched the code, too */
	snprintf(s->title, sizeof(s->title), "%s, CPython %s", s->proc->comm, s->rt->version);
	note_sizes(s);
	*out = s;
	return 0;
}

void session_hang_up(struct session *s)
{
	probe_guard_hang_up(s ? s->kern.channel : NULL);
}

void session_close(struct session *s)
{
	if (!s)
		return;
	session_hang_up(s);
	sources_close(s);
	sites_close(s->sites);
	kern_close(&s->kern);
	stacks_free(s->stacks);
	names_free(s->names);
	lines_free(&s->lines);
	heap_close(s->heap);
	py_close(s->rt);
	proc_close(s->proc);
	for (size_t i = 0; i < s->notes.n; i++)
		free(s->notes.v[i]);
	free(s);
}

/* May the target be gone? One small read tells, as its end and an exec take its memory away; if
 * another process shares that (a child by vfork), it is noticed after LOOK_NS. */
static bool may_be_gone(struct session *s, uint64_t now)
{
	if (now - s->time.looked_ns < LOOK_NS && !proc_memory_gone(s->proc))
		return false;
	s->time.looked_ns = now;
	return true;
}

/* Has the target ended, or become another program? */
static bool target_gone(struct session *s)
{
	bool lives = proc_alive(s->proc), lost_main = !lives && proc_lost_main(s->proc);
	int pid = s->proc->pid;

	if (lives && !proc_execed(s->proc))
		return false;
	if (lives)
		snprintf(s->end_reason, sizeof(s->end_reason),
			 "process %d has exec'ed another program: if that is a Python, -p %d "
			 "watches it, and --children goes on with it by itself",
			 pid, pid);
	else
		snprintf(s->end_reason, sizeof(s->end_reason), "%sprocess %d has ended%s",
			 lost_main ? "the main thread of " : "", pid,
			 lost_main ? ": its others are not watched" : "");
	s->goes_on = lives	 ? "runs another program now"
		     : lost_main ? "goes on without its main thread"
				 : NULL;
	if (s->goes_on)
		session_note(s, "%s", s->end_reason);
	s->ended = true;
	s->time.end_ns = clock_ns();
	/* probes must not slow down what runs here now; where nothing does, nobody waits */
	if (!s->goes_on)
		session_hang_up(s);
	sources_pause(s, true);
	return true;
}

/* Sleeps until @when. 1: the target has ended; -EINTR: a signal came. Looks at the target even if
 * it is too late to sleep: a step on one that has just ended would find all survivors dead. */
static int sleep_until(const struct session *s, uint64_t when)
{
	struct pollfd fd = {.fd = s->proc->pidfd, .events = POLLIN};
	uint64_t now = clock_ns();
	const struct timespec left = timespec_of_ns(when > now ? when - now : 0);
	int n = ppoll(&fd, 1, &left, NULL);

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
		woke = sleep_until(s, sources_due(s, until));
		if (woke == -EINTR)
			return 0;
		if (woke > 0)
			checked = s->time.looked_ns = 0;
		else
			sources_run(s);
	}
	return 1;
}

/* Pauses for as long as somebody asks for it, or a debugger has the target. */
static void pause_as_needed(struct session *s)
{
	bool pause = s->asked_to_pause || s->is_traced;

	if (pause == s->paused)
		return;
	s->paused = pause;
	if (!pause)
		ledger_skip(&s->ledger, s->time.paused_at_ns, clock_ns());
	sources_pause(s, pause);
	if (pause)
		s->time.paused_at_ns = clock_ns();
	log_info("%s", pause ? "paused" : "resumed");
}

void session_pause(struct session *s, bool pause)
{
	s->asked_to_pause = pause;
	pause_as_needed(s);
}

void session_see_tracer(struct session *s, bool is_traced)
{
	s->is_traced = is_traced;
	pause_as_needed(s);
	if (is_traced)
		session_note(s, "a debugger or strace held the process for a while: its probes "
				"were out then");
}

/* Waits for the holders of the survivors, and judges them with the evidence from before that. */
static int judge_once_more(struct session *s, const struct observation *to,
			   struct report_process *p)
{
	int err;

	if (!holders_ask_last(s->holders, to, p))
		return 0;
	err = holders_observe(s->holders, to);
	session_see_notes(s, to->r, &to->e->seen);
	return err ? err : session_judge_again(s, to->e, to->r, p);
}

void session_ask_last(struct session *s)
{
	memory_ask_last(s->memory);
}

int session_fill(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p)
{
	uint64_t until_ns = now_ns + (uint64_t)(s->o.wait_s * 1e9);
	struct observation to = {.now_ns = now_ns, .until_ns = r->final ? until_ns : 0, .r = r};
	size_t left = LINES_BYTES;
	int err = report_new(&to.scratch);

	if (!err)
		err = session_judge(s, &to, p);
	if (!err && r->final)
		err = judge_once_more(s, &to, p);
	report_free(to.scratch);
	if (!err && s->o.sources)
		lines_add_text(s->proc, s->lines.started_at, r, p, s->o.top, &left);
	return err;
}

const char *session_title(const struct session *s)
{
	return s->title;
}

const char *session_end_reason(const struct session *s)
{
	return s->end_reason;
}

void session_metrics(const struct session *s, struct metrics *out)
{
	memory_metrics(s->memory, out);
}

const char *session_comm(const struct session *s)
{
	return s->proc->comm;
}

int session_pid(const struct session *s)
{
	return s->proc->pid;
}

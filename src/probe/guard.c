/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tool's end of the guardian: starting and ending it, the heartbeat, waiting for an answer. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/guard_priv.h"
#include "probe/host.h"
#include "storage/storage.h"

#define READ_POLLS 900 /* 45 s: so long may storage take that is read for a set */

struct start {
	int (*confine)(void);
	struct guard_page *page;
	pid_t tool;
};

/* Whoever loses its CPU within a change keeps every fork of the host waiting, and whoever looks on
 * takes that for the kernel's. Nice counts among the programs of one terminal or service alone
 * (autogroup, cpu.weight). Threads inherit both; where neither is allowed it goes without. */
static bool hurry(void)
{
	const struct sched_param first = {.sched_priority = 1};

	thread_haste();
	return !sched_setscheduler(0, SCHED_FIFO, &first);
}

/* At a hard limit of CPU time, which nobody can ignore, it would be killed within a change. Where
 * that may not be lifted it stays. */
static void lift_cpu_limits(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_CPU, &none);
	setrlimit(RLIMIT_RTTIME, &none);
}

static bool is_mute; /* standard error is a file that may be silent */

/* Whoever reads what the tool says may stand still, a pager for as long as its user likes, and
 * lines are said within changes: what there is no room for is left out. */
static void say_if_there_is_room(const char *line)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	char text[PIPE_BUF];
	int n = snprintf(text, sizeof(text), "%.4000s\n", line);
	bool is_said = !is_mute && poll(&p, 1, 0) > 0 && write(STDERR_FILENO, text, (size_t)n) == n;

	(void)is_said;
}

/* The tool writes, too, and may take the room just then. It and its shell have the flags of their
 * descriptor in common with us. A file has room at all times, but its storage may be silent. */
static void never_wait_to_say(void)
{
	const char *to = NULL;
	struct stat st = {0};
	int own = -1;
	dev_t dev;

	if (!fstat(STDERR_FILENO, &st) && (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
		to = "/proc/self/fd/2";
	else if (S_ISREG(st.st_mode) && storage_may_be_silent(STDERR_FILENO, &dev))
		to = "/dev/null";
	if (to)
		own = open(to, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	is_mute = to && dup2(own, STDERR_FILENO) < 0 && S_ISREG(st.st_mode);
	close_fd(&own);
	log_divert(say_if_there_is_room);
}

static void serve(int sock, void *ctx)
{
	const struct start *s = ctx;
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct guard_answer ready = {0};
	bool comes_first;

	helper_title("pyleak-probes (never kill -9: takes the probes out, then ends by itself)");
	lift_cpu_limits();
	comes_first = hurry();
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		/* A reader of what the tool says waits for no process but the tool. */
		if (!log_enabled(LOG_INFO))
			dup2(null, STDERR_FILENO);
	}
	never_wait_to_say();
	guard_leave_freezer();
	if (!s->confine)
		host_lock_open();
	ready.err = s->confine ? s->confine() : 0;
	if (ready.err)
		snprintf(ready.why, sizeof(ready.why), "%s", fail_text());
	if (!packet_send(sock, &ready, sizeof(ready), -1) && !ready.err)
		guard_serve(sock, s->page, s->tool, comes_first);
}

int guard_has_ended(void)
{
	return fail(-ENOTSUP,
		    "the process that holds the probes (pyleak-probes) has ended: start again");
}

int probe_guard_check(const struct probe_guard *g)
{
	struct pollfd p = {.fd = g->helper.sock};

	return poll(&p, 1, 0) > 0 ? guard_has_ended() : 0;
}

int guard_wait_for(struct probe_guard *g, int sock, uint64_t patience_ns, struct guard_answer *a)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	uint64_t begin = clock_ns();

	atomic_store(&g->is_awaited, true);
	/* No sign of life meanwhile: what is in comes out when this takes two seconds. */
	while (poll(&p, 1, POLL_MS) <= 0)
		if (g->is_cancelled && g->is_cancelled() && clock_ns() - begin > patience_ns) {
			g->is_left = true;
			return fail(-ECANCELED, "stopped while probes were being placed");
		}
	atomic_store(&g->is_awaited, false);
	if (packet_receive(sock, a, sizeof(*a), NULL) != (ssize_t)sizeof(*a))
		return guard_has_ended();
	a->why[sizeof(a->why) - 1] = '\0';
	return a->err ? fail(a->err, "%s", a->why) : 0;
}

int probe_guard_start(const struct probe_guard_opts *o, struct probe_guard **out)
{
	struct probe_guard *g = calloc(1, sizeof(*g));
	struct start s = {.confine = o->confine, .tool = getpid()};
	struct guard_answer ready = {0};
	int err = g ? 0 : -ENOMEM;

	*out = NULL;
	if (err) {
		free(g);
		return fail(err, "no memory for the process that holds the probes");
	}
	g->helper.sock = -1;
	g->read_polls = READ_POLLS;
	g->is_cancelled = o->is_cancelled;
	g->ends_with_us = o->ends_with_us;
	s.page = mmap(NULL, sizeof(*s.page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	g->page = s.page == MAP_FAILED ? NULL : s.page;
	err = g->page ? helper_start("pyleak-probes", serve, &s, &g->helper)
		      : fail(-ENOMEM, "no memory for the process that holds the probes");
	if (!err)
		err = guard_wait_for(g, g->helper.sock, 0,
				     &ready); /* could it give up what it does not need? */
	if (err) {
		probe_guard_stop(g);
		return err;
	}
	probe_guard_beat(g);
	*out = g;
	return 0;
}

void probe_guard_stop(struct probe_guard *g)
{
	const char leave[GUARD_LEAVE] = {0};

	if (!g)
		return;
	/* Other processes that were forked from this one may hold the socket, too. */
	if (g->helper.sock >= 0)
		packet_send(g->helper.sock, leave, sizeof(leave), -1);
	if (!g->is_left && !g->may_hang)
		helper_stop(&g->helper);
	else if (!g->ends_with_us)
		helper_release(&g->helper);
	else if (!helper_stop_within(&g->helper, PROBE_GUARD_LAST_PATIENCE_NS))
		log_line("pyleak-bpf: the process that holds the probes (pyleak-probes) has not "
			 "ended within %llu s",
			 PROBE_GUARD_LAST_PATIENCE_NS / 1000000000);
	if (g->page)
		munmap(g->page, sizeof(*g->page));
	free(g);
}

void probe_guard_beat(struct probe_guard *g)
{
	if (g)
		atomic_store_explicit(&g->page->beat_ns, clock_ns(), memory_order_relaxed);
}

uint32_t probe_guard_trips(const struct probe_guard *g, uint64_t *when_ns)
{
	uint32_t trips = g ? atomic_load(&g->page->trips) : 0;

	if (trips && when_ns)
		*when_ns = atomic_load(&g->page->trip_ns);
	return trips;
}

bool probe_guard_read_hung(const struct probe_guard *g, uint64_t since_ns)
{
	return g && atomic_load(&g->page->news.hung_ns) > since_ns;
}

bool probe_guard_is_awaited(const struct probe_guard *g)
{
	return g && atomic_load(&g->is_awaited);
}

int probe_guard_alarm_fd(const struct probe_guard *g)
{
	return g ? g->helper.sock : -1;
}

int probe_guard_ends_with_us(const struct probe_guard *g)
{
	return g && g->ends_with_us ? g->helper.pid : 0;
}

double probe_guard_event_ns(const struct probe_guard *g)
{
	return g ? atomic_load(&g->page->event_ns) : 0;
}

const char *probe_guard_ended(const struct probe_guard *g)
{
	return g && atomic_load(&g->page->news.is_ended) ? g->page->news.why : NULL;
}

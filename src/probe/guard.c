/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tool's end of the guardian: starting it, the heartbeat, requests. */
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

#define POLL_MS	    50
#define PATIENCE_NS 1000000000ull /* with an answer, when we are to end */
#define READ_POLLS  900		  /* 45 s: so long may storage take that is read for a set */

struct probe_channel {
	struct probe_guard *guard;
	int sock;
	bool is_left;	    /* an answer is still to come, and nobody waits for it or asks again */
	bool may_be_silent; /* the storage of a set: it is no disk */
	unsigned owed;	    /* answers that the next request takes first */
	struct {
		unsigned at; /* which of these, counted from 1, is about a shed; 0 = none */
		int err;
		uint32_t sites;
	} shed;
};

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

/* As where probes cannot be set at all: sources go on without. */
static int guard_has_ended(void)
{
	return fail(-ENOTSUP,
		    "the process that holds the probes (pyleak-probes) has ended: start again");
}

int probe_guard_check(const struct probe_guard *g)
{
	struct pollfd p = {.fd = g->helper.sock};

	return poll(&p, 1, 0) > 0 ? guard_has_ended() : 0;
}

/* However long it takes, unless we are to end and it takes more than @patience_ns. The kernel may
 * take seconds over a probe where others place some, too. */
static int wait_for(struct probe_guard *g, int sock, uint64_t patience_ns, struct guard_answer *a)
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
		err = wait_for(g, g->helper.sock, 0,
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

int probe_guard_join(struct probe_guard *g, struct probe_channel **out)
{
	struct probe_channel *c = calloc(1, sizeof(*c));
	uint32_t hello = 0;
	int pair[2], err;

	*out = NULL;
	if (!c)
		return fail(-ENOMEM, "out of memory");
	c->guard = g;
	c->sock = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		free(c);
		return fail(-errno, "no socket to the process that holds the probes: %s",
			    strerror(errno));
	}
	c->sock = pair[0];
	err = packet_send(g->helper.sock, &hello, sizeof(hello), pair[1]);
	close(pair[1]);
	if (err) {
		probe_guard_leave(c);
		return guard_has_ended();
	}
	*out = c;
	return 0;
}

void probe_guard_leave(struct probe_channel *c)
{
	if (!c)
		return;
	close_fd(&c->sock);
	free(c);
}

static void take_one_owed(struct probe_channel *c)
{
	struct guard_answer a = {0};
	int err = wait_for(c->guard, c->sock, PATIENCE_NS, &a);

	c->owed--;
	if (!c->shed.at || --c->shed.at)
		return;
	c->shed.err = err;
	c->shed.sites = a.value;
}

/* A request whose answer nobody waits for. */
static int leave(struct probe_channel *c, const struct guard_request *q, size_t len)
{
	if (c->is_left)
		return -ECANCELED;
	probe_guard_beat(c->guard);
	if (c->guard->is_left || packet_send(c->sock, q, len, -1))
		return -EPIPE;
	c->owed++;
	return 0;
}

static int has_been_left(const struct probe_channel *c)
{
	return c->guard->is_left
		       ? fail(-ECANCELED, "stopped while probes were being placed")
		       : fail(-ENOTSUP, "probes were not made ready within 45 s: is the storage "
					"of the code silent?");
}

static bool reads_storage(const struct guard_request *q)
{
	return q->op == GUARD_OPEN || q->op == GUARD_ON;
}

/* A tool that is to end waits less long, in wait_for(). Polls are counted, so that time in which we
 * were stopped does not count. The guardian sees that we have left, and takes out the sets of the
 * channel though its thread waits. */
static int wait_for_storage(struct probe_channel *c)
{
	const struct probe_guard *g = c->guard;
	struct pollfd p = {.fd = c->sock, .events = POLLIN};

	atomic_store(&c->guard->is_awaited, true); /* wait_for() goes on, and ends it */
	for (unsigned i = 0; i < g->read_polls; i++)
		if (poll(&p, 1, POLL_MS) > 0 || (g->is_cancelled && g->is_cancelled()))
			return 0;
	atomic_store(&c->guard->is_awaited, false);
	shutdown(c->sock, SHUT_RDWR);
	c->is_left = c->guard->may_hang = true;
	return has_been_left(c);
}

static int ask(struct probe_channel *c, const struct guard_request *q, size_t len, const int *fds,
	       size_t n_fds, uint32_t *value)
{
	struct guard_answer a = {0};
	dev_t dev;
	int err;

	if (c->is_left)
		return has_been_left(c);
	probe_guard_beat(c->guard);
	while (c->owed && !c->guard->is_left)
		take_one_owed(c);
	if (c->guard->is_left)
		return has_been_left(c);
	if (packet_send_fds(c->sock, q, len, fds, n_fds))
		return guard_has_ended();
	c->may_be_silent |= q->op == GUARD_OPEN && storage_may_be_silent(fds[0], &dev);
	err = c->may_be_silent && reads_storage(q) ? wait_for_storage(c) : 0;
	if (err)
		return err;
	err = wait_for(c->guard, c->sock, PATIENCE_NS, &a);
	c->is_left = c->guard->is_left;
	probe_guard_beat(c->guard);
	if (value)
		*value = a.value;
	return err;
}

int probe_guard_choose(struct probe_channel *c, int pid, size_t n, enum probe_mechanism *out)
{
	const struct guard_request q = {.op = GUARD_CHOOSE, .pid = pid, .n = (uint32_t)n};
	uint32_t m = PROBE_NONE;
	int err = ask(c, &q, sizeof(q), NULL, 0, &m);

	*out = (enum probe_mechanism)m;
	return err;
}

double probe_guard_event_ns(const struct probe_guard *g)
{
	return g ? atomic_load(&g->page->event_ns) : 0;
}

const char *probe_guard_ended(const struct probe_guard *g)
{
	return g && atomic_load(&g->page->news.is_ended) ? g->page->news.why : NULL;
}

int probe_guard_shed(struct probe_channel *c)
{
	const struct guard_request q = {.op = GUARD_SHED};
	int err = leave(c, &q, sizeof(q));

	if (!err)
		c->shed.at = c->owed;
	return err;
}

int probe_guard_shed_done(struct probe_channel *c, size_t *sites)
{
	struct pollfd p = {.fd = c->sock, .events = POLLIN};

	while (c->shed.at && !c->guard->is_left && poll(&p, 1, 0) > 0)
		take_one_owed(c);
	*sites = c->shed.sites;
	return c->shed.at ? -EINPROGRESS : c->shed.err;
}

/* ---- A set whose switches are requests. ---- */

static int remote_open(struct probe_set *s)
{
	size_t len = sizeof(struct guard_request) + s->n * sizeof(uint64_t);
	const int fds[PACKET_FDS] = {s->file_fd, s->prog_fd, s->pidfd};
	auto_free struct guard_request *q = calloc(1, len);

	if (!q)
		return fail(-ENOMEM, "out of memory");
	if (s->n > GUARD_OFFSETS)
		return fail(-ENOTSUP, "more places to probe than can be asked for (%zu)", s->n);
	q->op = GUARD_OPEN;
	q->mechanism = s->mechanism;
	q->on_return = s->on_return;
	q->is_library = s->is_library;
	q->pid = s->pid;
	q->n = (uint32_t)s->n;
	snprintf(q->label, sizeof(q->label), "%s", s->label);
	memcpy(q->offset, s->offsets, s->n * sizeof(uint64_t));
	return ask(s->channel, q, len, fds, s->pidfd < 0 ? 2 : 3, &s->number);
}

static int request(struct probe_set *s, enum guard_op op)
{
	const struct guard_request q = {.op = op, .set = s->number};

	return ask(s->channel, &q, sizeof(q), NULL, 0, NULL);
}

static int remote_warm(struct probe_set *s)
{
	return request(s, GUARD_WARM);
}

static int remote_on(struct probe_set *s)
{
	s->trips = probe_guard_trips(s->channel->guard, NULL);
	return request(s, GUARD_ON);
}

static int remote_off(struct probe_set *s)
{
	return request(s, GUARD_OFF);
}

static int remote_let_go(struct probe_set *s)
{
	const struct guard_request q = {.op = GUARD_OFF, .set = s->number};

	return leave(s->channel, &q, sizeof(q));
}

static void remote_off_together(struct probe_set *const *set, size_t n, bool waits)
{
	union {
		struct guard_request q;
		char room[sizeof(struct guard_request) + PROBE_TOGETHER * sizeof(uint64_t)];
	} u = {.q = {.op = GUARD_OFF, .set = set[0]->number, .n = (uint32_t)n - 1}};
	size_t len = sizeof(u.q) + (n - 1) * sizeof(uint64_t);

	for (size_t i = 1; i < n; i++)
		u.q.offset[i - 1] = set[i]->number;
	if (waits)
		ask(set[0]->channel, &u.q, len, NULL, 0, NULL);
	else
		leave(set[0]->channel, &u.q, len);
	for (size_t i = 0; i < n; i++)
		set[i]->on = false;
}

static void remote_close(struct probe_set *s)
{
	if (s->number)
		request(s, GUARD_CLOSE);
}

static bool remote_was_lost(const struct probe_set *s)
{
	return s->channel->is_left || s->trips != probe_guard_trips(s->channel->guard, NULL);
}

const struct probe_ops probe_remote_ops = {
	.open = remote_open,
	.warm = remote_warm,
	.on = remote_on,
	.off = remote_off,
	.off_together = remote_off_together,
	.let_go = remote_let_go,
	.close = remote_close,
	.was_lost = remote_was_lost,
};

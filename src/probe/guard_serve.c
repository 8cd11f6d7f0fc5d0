/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guardian's main thread: it listens for the heartbeat, and takes everything out when it does
 * not come. A thread for each channel does what it is asked for.
 */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/guard_channel.h"
#include "probe/leftovers.h"

#define LOOK_MS	      200
#define LEAVE_POLL_US 10000
#define PREPARE_NS    5000000000ull

static void *take_out_of_one(void *channel)
{
	struct channel *c = channel;

	c->taking.is_out = guard_channel_off(c);
	return NULL;
}

/* Not of one whose thread is in the middle of something. */
static void begin_to_take_out(struct channel *c)
{
	c->taking.is_ours = !pthread_mutex_trylock(&c->lock);
	c->taking.has_thread =
		c->taking.is_ours && !thread_start(&c->taking.thread, take_out_of_one, c);
	if (c->taking.is_ours && !c->taking.has_thread)
		take_out_of_one(c);
}

/* Everything out, of all channels side by side, but what would have to wait for a read that hangs,
 * and channels whose thread is in the middle of something: false, they are for the next time. */
static bool take_out(struct guardian *g, bool is_for_good)
{
	bool all = true;

	pthread_mutex_lock(&g->lock);
	for (struct channel *c = g->channels; c; c = c->next)
		begin_to_take_out(c);
	for (struct channel *c = g->channels; c; c = c->next) {
		if (!c->taking.is_ours) {
			all = false;
			continue;
		}
		if (c->taking.has_thread)
			pthread_join(c->taking.thread, NULL);
		all &= c->taking.is_out && !c->is_closing;
		if (is_for_good && all && !c->is_reading)
			guard_channel_close(c);
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return all;
}

static bool has_hung_up(const struct channel *c)
{
	struct pollfd p = {.fd = c->sock};

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* The tool leaves a channel whose thread waits for storage: that will close its sets when it is
 * done, and until then none of them is to be in. */
static void take_out_left(struct guardian *g)
{
	pthread_mutex_lock(&g->lock);
	for (struct channel *c = g->channels; c; c = c->next)
		if (has_hung_up(c) && !pthread_mutex_trylock(&c->lock)) {
			guard_channel_off(c);
			pthread_mutex_unlock(&c->lock);
		}
	pthread_mutex_unlock(&g->lock);
}

/* Until all is out, each time that we look. */
static void trip(struct guardian *g)
{
	uint64_t beat = atomic_load(&g->page->beat_ns);

	if (!atomic_load(&g->page->is_on))
		return;
	/* Told first: what the tool does with the sets from here on counts for nothing. */
	if (atomic_exchange(&g->page->trip_ns, beat) != beat)
		atomic_fetch_add(&g->page->trips, 1);
	take_out(g, false);
}

static bool beats(const struct guardian *g)
{
	uint64_t beat = atomic_load(&g->page->beat_ns), now = clock_ns();

	return now < beat + PROBE_GUARD_PATIENCE_NS;
}

/* Takes what came on the control socket: a channel, an alarm, or its end. */
static bool listen_once(struct guardian *g)
{
	struct pollfd p[2] = {{.fd = g->control, .events = POLLIN},
			      {.fd = g->tool_fd, .events = POLLIN}};
	int fds[PACKET_FDS];
	uint32_t hello;
	size_t n_fds;
	ssize_t got;

	/* A set that goes on while we wait has come with a heartbeat, and is not older than our
	 * next look by more than that. */
	if (poll(p, ARRAY_SIZE(p), LOOK_MS) < 0 && errno != EINTR)
		usleep(LOOK_MS * 1000);
	if (!(p[0].revents & (POLLIN | POLLHUP)))
		return true;
	got = packet_receive_fds(g->control, &hello, sizeof(hello), fds, &n_fds);
	if (n_fds)
		guard_channel_welcome(g, fds[0]);
	else if (got == GUARD_ALARM)
		trip(g);
	return got > 0 && got != GUARD_LEAVE;
}

/* Storage that is silent is not waited for for ever: nothing of such a request is in a target. */
static bool is_busy(struct guardian *g, uint64_t *until)
{
	uint64_t now = clock_ns();
	bool is_changing = false;

	if (!*until)
		*until = now + PREPARE_NS;
	pthread_mutex_lock(&g->lock);
	for (struct channel *c = g->channels; c; c = c->next)
		is_changing |= atomic_load(&c->is_changing);
	pthread_mutex_unlock(&g->lock);
	return is_changing || (atomic_load(&g->preparing) && now < *until);
}

void guard_serve(int control, struct guard_page *page, pid_t tool, bool comes_first)
{
	struct guardian g = {.control = control, .page = page};
	uint64_t until = 0;
	pthread_t left;

	g.tool_fd = (int)syscall(SYS_pidfd_open, tool, 0);
	pthread_mutex_init(&g.lock, NULL);
	if (turn_watch(&page->news, comes_first))
		log_debug("no thread looks at how long changes of probes take");
	if (thread_start(&left, leftovers_remove, NULL))
		log_debug("no thread looks for what killed guardians have left");
	else
		pthread_detach(left);
	while (getppid() == tool && listen_once(&g)) {
		if (!beats(&g))
			trip(&g);
		if (atomic_load(&g.preparing))
			take_out_left(&g);
	}
	atomic_store(&g.is_leaving, true);
	/* However long a switch takes: were this process to end in the middle of one, breakpoints
	 * would stay for the life of the target. All are out before the first is closed, which may
	 * have to wait. */
	while (!take_out(&g, false) || is_busy(&g, &until) || !take_out(&g, true))
		usleep(LEAVE_POLL_US);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests. Each change is made in a turn (turn.h). Where a read of target memory hangs, putting in
 * is refused and taking out waits; that the programs behind the probes fall asleep by themselves
 * (pl_stats.deadline_ns) keeps the price low until then.
 */
#include "probe/guard_channel.h"

#include <stdio.h>
#include <unistd.h>

#include "base/thread.h"

#define HANG_POLL_US 2000

static struct probe_set *set_of(struct channel *c, uint32_t number)
{
	return number && number <= c->sets.n ? c->sets.v[number - 1].set : NULL;
}

static void note_switch(struct guardian *g, bool was_on, bool is_on)
{
	if (was_on != is_on)
		atomic_fetch_add(&g->page->is_on, is_on ? 1u : -1u);
}

static int switch_on(struct channel *c, struct probe_set *s)
{
	bool was_on = probe_set_is_on(s);
	int err;

	if (atomic_load(&c->g->is_leaving))
		return fail(-ECANCELED, "the tool has ended");
	err = probe_set_on(s);
	note_switch(c->g, was_on, probe_set_is_on(s));
	return err;
}

/* From here on the guardian does not end before the request does: the kernel would be left with
 * half a change. One of the two sees the other. */
static int go_on(void *channel)
{
	struct channel *c = channel;

	atomic_store(&c->is_changing, true);
	return atomic_load(&c->g->is_leaving) ? fail(-ECANCELED, "the tool has ended") : 0;
}

static int do_open(struct channel *c, const struct guard_request *q, const int *fds, uint32_t *out)
{
	const struct probe_set_spec spec = {
		.file_fd = fds[0],
		.prog_fd = fds[1],
		.pidfd = fds[2],
		.offsets = q->offset,
		.n = q->n,
		.pid = q->pid,
		.on_return = q->on_return,
		.is_library = q->is_library,
		.label = q->label,
		.go_on = go_on,
		.ctx = c,
	};
	struct probe_set *set;
	struct held *slot;
	int err = probe_set_open((enum probe_mechanism)q->mechanism, &spec, &set);

	if (err)
		return err;
	pthread_mutex_lock(&c->lock);
	slot = vec_push(&c->sets);
	if (slot)
		slot->set = set;
	*out = (uint32_t)c->sets.n;
	pthread_mutex_unlock(&c->lock);
	if (slot)
		return 0;
	probe_set_close(set);
	return fail(-ENOMEM, "out of memory");
}

static struct probe_set *take_set(struct channel *c, uint32_t number)
{
	struct probe_set *s = set_of(c, number);

	if (s)
		c->sets.v[number - 1].set = NULL;
	while (c->sets.n && !c->sets.v[c->sets.n - 1].set)
		c->sets.n--;
	return s;
}

/* To close may take as long as a read hangs. The lock is not held meanwhile, for the same reason as
 * in wait_for_read(). */
static void unlock_to_close(struct channel *c)
{
	c->is_closing = true;
	pthread_mutex_unlock(&c->lock);
}

static void lock_again(struct channel *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_closing = false;
}

/* Its probes are out. */
static void do_close(struct channel *c, uint32_t number)
{
	struct probe_set *s = take_set(c, number);

	unlock_to_close(c);
	probe_set_close(s);
	lock_again(c);
}

/* As an open, it waits for storage, our own program's, before it changes anything. */
static int do_choose(struct channel *c, const struct guard_request *q, uint32_t *out)
{
	enum probe_mechanism m = PROBE_NONE;
	int err;

	probe_self_read();
	err = go_on(c);
	if (!err)
		err = probe_choose_for(q->pid, q->n, &m);
	*out = (uint32_t)m;
	if (!err)
		atomic_store(&c->g->page->event_ns, (uint32_t)probe_event_ns(m));
	return err;
}

/* Not of libc on a crowded host: each of these looks at all of its processes, too. Not counted in
 * @sites: births pay by it, and sets on libc are others'. */
static int shed_all(struct channel *c, uint32_t *sites)
{
	int err = 0;

	for (size_t i = 0; i < c->sets.n; i++) {
		struct probe_set *s = c->sets.v[i].set;
		struct probe_shed shed;

		if (!s || !s->ops->shed || !probe_set_is_on(s) ||
		    (s->is_library && probe_host_is_crowded()))
			continue;
		err = probe_shed_begin(s, &shed);
		if (err)
			break;
		*sites += s->is_library ? 0 : (uint32_t)probe_set_sites_in(s);
		unlock_to_close(c);
		probe_shed_end(&shed);
		lock_again(c);
	}
	return err;
}

static bool is_among(struct probe_set *const *set, size_t n, const struct probe_set *s)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == s)
			return true;
	return false;
}

/* False when it would have to wait for a read that hangs. */
static bool off_together(struct channel *c, struct probe_set *const *on, size_t n)
{
	bool all = true;

	probe_off_together(on, n, false);
	for (size_t i = 0; i < n; i++) {
		note_switch(c->g, true, probe_set_is_on(on[i]));
		all &= !probe_set_is_on(on[i]);
	}
	return all;
}

/* As off_together(). */
static bool switch_off(struct channel *c, const struct guard_request *q)
{
	size_t n = 0, more = q->op == GUARD_OFF ? q->n : 0;
	struct probe_set *on[PROBE_TOGETHER];

	for (size_t i = 0; i <= more && n < PROBE_TOGETHER; i++) {
		struct probe_set *s = set_of(c, i ? (uint32_t)q->offset[i - 1] : q->set);

		if (s && probe_set_is_on(s) && !is_among(on, n, s))
			on[n++] = s;
	}
	return off_together(c, on, n);
}

/* For a read that hangs, without the lock: other sets of the channel may go out meanwhile, when no
 * heartbeat comes. */
static void wait_for_read(struct channel *c)
{
	atomic_store(&c->g->page->news.hung_ns, clock_ns());
	pthread_mutex_unlock(&c->lock);
	usleep(HANG_POLL_US);
	pthread_mutex_lock(&c->lock);
}

static int do_switch(struct channel *c, const struct guard_request *q)
{
	struct probe_set *s = set_of(c, q->set);

	if (!s)
		return fail(-EINVAL, "internal error: no set of probes %u", q->set);
	if (q->op == GUARD_WARM)
		return probe_set_warm(s);
	if (q->op == GUARD_ON)
		return switch_on(c, s);
	while (!switch_off(c, q))
		wait_for_read(c);
	if (q->op == GUARD_CLOSE)
		do_close(c, q->set);
	return 0;
}

/* Reads code that is not held in memory before it is probed, without the lock: storage may take
 * long. */
static int read_code(struct channel *c, const struct guard_request *q)
{
	struct probe_set *s;
	int err = 0;

	atomic_fetch_add(&c->g->preparing, 1);
	pthread_mutex_lock(&c->lock);
	s = set_of(c, q->set);
	c->is_reading = s && !s->pin;
	pthread_mutex_unlock(&c->lock);
	if (c->is_reading)
		err = probe_make_resident(s);
	pthread_mutex_lock(&c->lock);
	c->is_reading = false;
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_sub(&c->g->preparing, 1);
	return err;
}

/* Sets change under the channel's lock: the main thread may want to take them out. */
static int obey_locked(struct channel *c, const struct guard_request *q, uint32_t *value)
{
	int err = q->op == GUARD_ON ? read_code(c, q) : 0;

	if (err)
		return err;
	pthread_mutex_lock(&c->lock);
	err = q->op == GUARD_SHED ? shed_all(c, value) : do_switch(c, q);
	pthread_mutex_unlock(&c->lock);
	return err;
}

static int prepare(struct channel *c, const struct guard_request *q, const int *fds,
		   uint32_t *value)
{
	int err;

	atomic_fetch_add(&c->g->preparing, 1);
	err = q->op == GUARD_OPEN ? do_open(c, q, fds, value) : do_choose(c, q, value);
	atomic_store(&c->is_changing, false);
	atomic_fetch_sub(&c->g->preparing, 1);
	return err;
}

static int obey(struct channel *c, const struct guard_request *q, const int *fds, uint32_t *value)
{
	switch ((enum guard_op)q->op) {
	case GUARD_OPEN:
	case GUARD_CHOOSE:
		return prepare(c, q, fds, value);
	case GUARD_CLOSE:
	case GUARD_SHED:
	case GUARD_WARM:
	case GUARD_ON:
	case GUARD_OFF:
		return obey_locked(c, q, value);
	}
	return fail(-EINVAL, "internal error: request %u to the holder of the probes", q->op);
}

static bool is_whole(const struct guard_request *q, size_t len, size_t n_fds)
{
	if (len < sizeof(*q) || !memchr(q->label, 0, sizeof(q->label)))
		return false;
	if (q->op == GUARD_OPEN || q->op == GUARD_OFF)
		return (n_fds >= 2 || q->op == GUARD_OFF) && q->n <= GUARD_OFFSETS &&
		       len - sizeof(*q) == q->n * sizeof(uint64_t);
	return true;
}

/* One request; false at the end of the channel. */
static bool serve_one(struct channel *c, struct guard_request *q, size_t size)
{
	struct guard_answer a = {0};
	int fds[PACKET_FDS];
	size_t n_fds;
	ssize_t got = packet_receive_fds(c->sock, q, size, fds, &n_fds);

	if (got <= 0)
		return false;
	a.err = is_whole(q, (size_t)got, n_fds) ? obey(c, q, fds, &a.value)
						: fail(-EINVAL, "internal error: half a request");
	if (a.err)
		snprintf(a.why, sizeof(a.why), "%s", fail_text());
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return !packet_send(c->sock, &a, sizeof(a), -1);
}

bool guard_channel_off(struct channel *c)
{
	struct probe_set *on[PROBE_TOGETHER];
	bool all = true;
	size_t n = 0;

	for (size_t i = 0; i < c->sets.n; i++) {
		struct probe_set *s = c->sets.v[i].set;

		if (s && probe_set_is_on(s))
			on[n++] = s;
		if (n == PROBE_TOGETHER) {
			all &= off_together(c, on, n);
			n = 0;
		}
	}
	return off_together(c, on, n) && all;
}

void guard_channel_close(struct channel *c)
{
	while (c->sets.n)
		probe_set_close(take_set(c, (uint32_t)c->sets.n));
}

static void forget(struct channel *c)
{
	struct guardian *g = c->g;
	struct channel **at = &g->channels;

	pthread_mutex_lock(&g->lock);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_mutex_unlock(&g->lock);
	close(c->sock);
	pthread_mutex_destroy(&c->lock);
	vec_free(&c->sets);
	free(c);
}

static void *serve_channel(void *arg)
{
	const size_t size = sizeof(struct guard_request) + GUARD_OFFSETS * sizeof(uint64_t);
	auto_free struct guard_request *q = malloc(size);
	struct channel *c = arg;

	while (q && serve_one(c, q, size))
		;
	pthread_mutex_lock(&c->lock);
	while (!guard_channel_off(c))
		wait_for_read(c);
	guard_channel_close(c);
	pthread_mutex_unlock(&c->lock);
	forget(c);
	return NULL;
}

void guard_channel_welcome(struct guardian *g, int sock)
{
	struct channel *c = calloc(1, sizeof(*c));
	pthread_t thread;

	if (!c) {
		close(sock);
		return;
	}
	c->g = g;
	c->sock = sock;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_lock(&g->lock);
	c->next = g->channels;
	g->channels = c;
	pthread_mutex_unlock(&g->lock);
	if (thread_start(&thread, serve_channel, c))
		forget(c);
	else
		pthread_detach(thread);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tool's end of a channel: requests, and a set whose switches are requests. */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/guard_priv.h"
#include "storage/storage.h"

#define PATIENCE_NS 1000000000ull /* with an answer, when we are to end */

struct probe_channel {
	struct probe_guard *guard;
	int sock;
	bool is_hung_up;
	bool is_left;	    /* an answer is still to come, and nobody waits for it or asks again */
	bool may_be_silent; /* the storage of a set: it is no disk */
	unsigned owed;	    /* answers that the next request takes first */
	struct {
		unsigned at; /* which of these, counted from 1, is about a shed; 0 = none */
		int err;
		uint32_t sites;
	} shed;
};

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

void probe_guard_hang_up(struct probe_channel *c)
{
	if (!c || c->is_left)
		return;
	shutdown(c->sock, SHUT_RDWR);
	c->is_hung_up = true;
	c->owed = c->shed.at = 0;
}

/* It takes these out anyway: nobody has to ask for that. */
static int has_been_hung_up(const struct guard_request *q)
{
	return q->op == GUARD_OFF || q->op == GUARD_CLOSE
		       ? 0
		       : fail(-ECANCELED, "the process is not watched any more");
}

static void take_one_owed(struct probe_channel *c)
{
	struct guard_answer a = {0};
	int err = guard_wait_for(c->guard, c->sock, PATIENCE_NS, &a);

	c->owed--;
	if (!c->shed.at || --c->shed.at)
		return;
	c->shed.err = err;
	c->shed.sites = a.value;
}

/* A request whose answer nobody waits for. */
static int leave(struct probe_channel *c, const struct guard_request *q, size_t len)
{
	if (c->is_hung_up)
		return has_been_hung_up(q);
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

/* A tool that is to end waits less long, in guard_wait_for(). Polls are counted, so that time in
 * which we were stopped does not count. The guardian sees that we have left, and takes out the sets
 * of the channel though its thread waits. */
static int wait_for_storage(struct probe_channel *c)
{
	const struct probe_guard *g = c->guard;
	struct pollfd p = {.fd = c->sock, .events = POLLIN};

	atomic_store(&c->guard->is_awaited, true); /* guard_wait_for() goes on, and ends it */
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

	if (c->is_hung_up)
		return has_been_hung_up(q);
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
	err = guard_wait_for(c->guard, c->sock, PATIENCE_NS, &a);
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

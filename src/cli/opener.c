/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/opener.h"

#include <stdio.h>

#include "base/worker.h"

enum state { STATE_IDLE, STATE_ASKED, STATE_DONE };

struct closing {
	struct session *session;
};

struct opener {
	struct worker worker; /* its lock guards all below */
	enum state state;
	struct opened opened;
	struct session_opts so;
	VEC(struct closing) closing;
	uint64_t opened_ns; /* when a session was last opened */
};

/* The kernel takes probes out one after the other, a tenth of a second each, and lets nobody put
 * any in meanwhile. So while workers are replaced, old sessions wait REST_NS after each opening,
 * but not more than MAX_CLOSING of them. */
#define REST_NS	    500000000
#define MAX_CLOSING 16

static void open_asked(struct opener *o)
{
	struct opened *to = &o->opened;
	struct session_opts so = o->so;

	so.start_ticks = to->child.start_ticks;
	so.inherited = to->child.has_inherited ? &to->child.inherited : NULL;
	to->session = NULL;
	pthread_mutex_unlock(&o->worker.lock);
	if (!session_open(to->child.pid, &so, &to->session)) {
		session_start(to->session);
	} else {
		to->session = NULL;
		snprintf(to->why, sizeof(to->why), "%s", fail_text());
	}
	pthread_mutex_lock(&o->worker.lock);
	o->state = STATE_DONE;
	o->opened_ns = clock_ns();
}

static void close_last(struct opener *o)
{
	struct session *s = o->closing.v[--o->closing.n].session;

	pthread_mutex_unlock(&o->worker.lock);
	session_close(s);
	pthread_mutex_lock(&o->worker.lock);
}

static void wait_for_work(struct opener *o)
{
	worker_wait(&o->worker, o->closing.n ? clock_ns() + REST_NS / 4 : WORKER_FOREVER);
}

static bool may_close(const struct opener *o)
{
	return o->closing.n && (o->worker.stop || o->closing.n > MAX_CLOSING ||
				clock_ns() > o->opened_ns + REST_NS);
}

static void work(void *arg)
{
	struct opener *o = arg;
	struct worker *w = &o->worker;

	pthread_mutex_lock(&w->lock);
	while (!w->stop || o->closing.n)
		if (o->state == STATE_ASKED && !w->stop)
			open_asked(o);
		else if (may_close(o))
			close_last(o);
		else
			wait_for_work(o);
	pthread_mutex_unlock(&w->lock);
}

int opener_new(struct opener **out)
{
	struct opener *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return fail(-ENOMEM, "out of memory");
	o->worker = (struct worker){.job = work, .arg = o};
	err = worker_start(&o->worker);
	if (err)
		free(o);
	else
		*out = o;
	return err;
}

void opener_free(struct opener *o)
{
	if (!o)
		return;
	worker_stop(&o->worker, WORKER_FOREVER);
	if (o->state == STATE_DONE)
		session_close(o->opened.session);
	vec_free(&o->closing);
	free(o);
}

bool opener_is_busy(struct opener *o)
{
	bool busy;

	pthread_mutex_lock(&o->worker.lock);
	busy = o->state != STATE_IDLE;
	pthread_mutex_unlock(&o->worker.lock);
	return busy;
}

void opener_ask(struct opener *o, const struct tree_child *child, const struct session_opts *so)
{
	pthread_mutex_lock(&o->worker.lock);
	o->opened.child = *child;
	o->so = *so;
	o->state = STATE_ASKED;
	pthread_cond_broadcast(&o->worker.wake);
	pthread_mutex_unlock(&o->worker.lock);
}

bool opener_take(struct opener *o, struct opened *out)
{
	bool done;

	pthread_mutex_lock(&o->worker.lock);
	done = o->state == STATE_DONE;
	if (done) {
		*out = o->opened;
		o->opened.session = NULL;
		o->state = STATE_IDLE;
	}
	pthread_mutex_unlock(&o->worker.lock);
	return done;
}

void opener_close(struct opener *o, struct session *s)
{
	struct closing *slot;

	pthread_mutex_lock(&o->worker.lock);
	slot = vec_push(&o->closing);
	if (slot)
		slot->session = s;
	pthread_cond_broadcast(&o->worker.wake);
	pthread_mutex_unlock(&o->worker.lock);
	if (!slot) /* out of memory: close it here */
		session_close(s);
}

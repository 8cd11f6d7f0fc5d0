/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/turn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/breaker.h"
#include "probe/host.h"
#include "probe/looks.h"
#include "probe/readers.h"
#include "probe/waited_for.h"
#include "probe/waits_at.h"

#define IN_NS	     100000000ull
#define OUT_NS	     200000000ull
#define PREPARE_NS   2000000000ull
#define IN_READ_NS   20000000ull
#define READ_NS	     1000000000ull
#define READ_POLL_US 200
#define HANG_POLL_US 2000
/* Readers look at the end of it, too: who dies within a turn keeps nobody waiting. */
#define FLAG_NS	   500000000ull
#define SAMPLE_NS  4000000 /* turns are over by the first look, most of them */
#define FORGETS_NS 12000000
/* Looked at so often while others of our own wait to take out. */
#define HAND_NS	  1000000
#define ROUND_NS  100000000 /* other copies go without the lock after OUT_NS */
#define LOOKED_NS 400000000 /* names are waited for so long, which is less than FLAG_NS */
/* The turn of this process that is under way, and what is known of it. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t serial;
	struct turn *of;   /* NULL: nobody's */
	unsigned waiting;  /* to take out */
	bool is_handed;	   /* to one of these, with the host's lock; then of is NULL */
	uint64_t round_ns; /* when that lock was had, to be handed on */
	uint64_t began_ns, flag_ns;
	struct looks looks; /* at its thread */
	uint64_t warm_ns;   /* of the one that it was handed on by */
	char where[48];	    /* it stood when it last did */
	bool comes_first;   /* whoever looks on has real-time priority */
	struct breaker breaker;
	bool can_look;		  /* a thread looks for what the last turn waits for ... */
	bool is_looking;	  /* ... and has not come back; it may not */
	struct turn_news *news;	  /* NULL: nobody watches */
	void (*while_hung)(void); /* may be NULL */
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static uint64_t patience_ns(enum turn_kind kind)
{
	return kind == TURN_IN ? IN_NS : kind == TURN_OUT ? OUT_NS : PREPARE_NS;
}

/* Under the mutex. */
static bool may_be_next(const struct turn *t)
{
	return !turns.of && (!turns.is_handed || t->kind == TURN_OUT);
}

/* Under the mutex. To take out, each turn of our own that ends is new patience: nothing of ours
 * goes beside another for having waited for a third. */
static bool wait_to_be_next(const struct turn *t, uint64_t *until_ns)
{
	uint64_t serial = turns.serial;

	while (!may_be_next(t)) {
		const struct timespec end = clock_deadline(*until_ns);

		if (pthread_cond_clockwait(&turns.changed, &turns.lock, CLOCK_MONOTONIC, &end))
			return may_be_next(t);
		if (t->kind == TURN_OUT && turns.serial != serial)
			*until_ns = clock_ns() + patience_ns(t->kind);
		serial = turns.serial;
	}
	return true;
}

/* Under the mutex. What is handed on is taken by one that waits, at the latest when its patience
 * ends: nobody is left with the host's lock. */
static bool be_next(struct turn *t, uint64_t *until_ns)
{
	bool is_next;

	turns.waiting += t->kind == TURN_OUT;
	is_next = wait_to_be_next(t, until_ns);
	turns.waiting -= t->kind == TURN_OUT;
	if (!is_next)
		return false;
	if (!turns.is_handed)
		turns.round_ns = clock_ns();
	turns.is_handed = false;
	turns.of = t;
	t->serial = ++turns.serial;
	return true;
}

static void let_next(struct turn *t)
{
	pthread_mutex_lock(&turns.lock);
	if (t->serial && turns.of == t) {
		turns.of = NULL;
		pthread_cond_broadcast(&turns.changed);
	}
	t->serial = 0;
	pthread_mutex_unlock(&turns.lock);
}

static void raise_flag(void)
{
	turns.flag_ns = clock_ns() + FLAG_NS;
	atomic_store(&reading_page()->switching_ns, turns.flag_ns);
}

/* Not that of another copy that goes without the lock. */
static void lower_flag(void)
{
	uint64_t ours = turns.flag_ns;

	atomic_compare_exchange_strong(&reading_page()->switching_ns, &ours, 0);
}

static enum readers wait_for_readers(const struct turn *t)
{
	uint64_t now = clock_ns(), end = now + (t->kind == TURN_IN ? IN_READ_NS : READ_NS);
	bool puts_in = t->kind != TURN_OUT; /* or tries to */
	enum readers r;

	while ((r = readers_look(t->code, t->is_library, puts_in)) == READERS_BUSY && now < end) {
		usleep(READ_POLL_US);
		now = clock_ns();
		if (t->serial && now + FLAG_NS / 2 > turns.flag_ns)
			raise_flag();
	}
	return r;
}

/* One that nobody can look at may have been stopped for good: nothing goes in beside it, and who
 * takes out does not wait for it. */
static bool may_begin(const struct turn *t, enum readers r)
{
	return r == READERS_NONE || (r == READERS_BUSY && t->kind != TURN_IN) ||
	       (r == READERS_LOST && t->kind == TURN_OUT);
}

static const char *why_not(enum readers r)
{
	return r == READERS_HUNG   ? "a read of a process's memory does not come back"
	       : r == READERS_LOST ? "a read by a copy of the tool in another container does not "
				     "come back"
				   : "processes are being read";
}

static void wait_for_hung(void)
{
	if (turns.news)
		atomic_store(&turns.news->hung_ns, clock_ns());
	if (turns.while_hung)
		turns.while_hung();
	usleep(HANG_POLL_US);
}

void turn_while_hung(void (*rest)(void))
{
	turns.while_hung = rest;
}

static int refuse(const char *why)
{
	return fail(-EAGAIN, "%s: no probes are set at the moment", why);
}

static int ask_breaker(const struct turn *t)
{
	int err;

	if (t->kind == TURN_OUT)
		return 0;
	pthread_mutex_lock(&turns.lock);
	err = breaker_ask(&turns.breaker, clock_ns());
	pthread_mutex_unlock(&turns.lock);
	return err;
}

static void drop(struct turn *t)
{
	lower_flag();
	host_lock_drop();
	let_next(t);
}

static int enter(struct turn *t, uint64_t until_ns)
{
	bool is_next;

	pthread_mutex_lock(&turns.lock);
	is_next = be_next(t, &until_ns);
	pthread_mutex_unlock(&turns.lock);
	if (!is_next)
		return t->kind == TURN_IN ? refuse("other probes of this tool are being switched")
					  : 0;
	if (!host_lock_wait(until_ns) && t->kind == TURN_IN) {
		let_next(t);
		return refuse("another copy of the tool switches probes");
	}
	t->is_alone = host_lock_is_ours();
	return 0;
}

static void begin(void)
{
	raise_flag();
	pthread_mutex_lock(&turns.lock);
	turns.began_ns = clock_ns();
	looks_begin(&turns.looks, turns.began_ns, turns.warm_ns);
	turns.warm_ns = 0;
	turns.where[0] = '\0';
	pthread_cond_broadcast(&turns.changed); /* whoever watches */
	pthread_mutex_unlock(&turns.lock);
}

int turn_take(struct turn *t)
{
	int err = ask_breaker(t);
	enum readers r;

	t->serial = 0;
	t->is_alone = false;
	while (!err) {
		err = enter(t, clock_ns() + patience_ns(t->kind));
		if (err)
			return err;
		if (t->serial)
			raise_flag();
		r = wait_for_readers(t);
		if (may_begin(t, r))
			break;
		if (t->serial)
			drop(t);
		if (t->kind == TURN_OUT && t->is_patient)
			wait_for_hung();
		else
			err = refuse(why_not(r));
	}
	if (!err && t->serial)
		begin();
	return err;
}

/* Under the mutex. */
static void tell_the_end(const char *who)
{
	if (atomic_load(&turns.news->is_ended))
		return;
	breaker_ask(&turns.breaker, clock_ns());
	snprintf(turns.news->why, sizeof(turns.news->why), "%.150s%s%.80s", fail_text(),
		 *who ? "; it waits for " : "", who);
	atomic_store(&turns.news->is_ended, 1);
}

/* Under the mutex: the turn is over, or only waits for what nobody else waits for. How long others
 * may have waited for it. */
static uint64_t settle(void)
{
	uint64_t now = clock_ns(), took = now - turns.began_ns;

	looks_note(&turns.looks, now, false, turns.comes_first);
	took -= turns.looks.idle_ns < took ? turns.looks.idle_ns : took;
	turns.began_ns = 0;
	if (!turns.news || !turns.of->is_planting)
		return 0;
	breaker_note(&turns.breaker, now, took);
	if (turns.breaker.is_ended && !turns.is_looking)
		tell_the_end("");
	return took;
}

void turn_pass(struct turn *t)
{
	uint64_t took = 0;
	bool is_ours;

	pthread_mutex_lock(&turns.lock);
	is_ours = t->serial && turns.of == t;
	if (is_ours)
		took = settle();
	pthread_mutex_unlock(&turns.lock);
	if (is_ours)
		drop(t);
	if (took > breaker_slow_ns(&turns.breaker))
		log_info("a change of probes took %.0f ms, last seen in %s", (double)took / 1e6,
			 *turns.where ? turns.where : "the kernel");
}

/* ---- The watch. ---- */

/* A thread of its own: to look at a process may take as long as the turn does (waited_for.h), and
 * to start a thread, too. */
static void *look_for_holders(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&turns.lock);
	while (!turns.is_looking)
		pthread_cond_wait(&turns.changed, &turns.lock);
	pthread_mutex_unlock(&turns.lock);
	waited_for_look();
	pthread_mutex_lock(&turns.lock);
	turns.is_looking = false;
	pthread_cond_broadcast(&turns.changed);
	pthread_mutex_unlock(&turns.lock);
	return NULL;
}

/* Under the mutex, which others may have meanwhile. */
static void end_for_good(uint64_t took_ns)
{
	const struct timespec end = clock_deadline(clock_ns() + LOOKED_NS);
	char who[128];

	breaker_note(&turns.breaker, clock_ns(), took_ns);
	turns.is_looking = turns.can_look;
	pthread_cond_broadcast(&turns.changed);
	while (turns.is_looking &&
	       !pthread_cond_clockwait(&turns.changed, &turns.lock, CLOCK_MONOTONIC, &end))
		;
	turns.is_looking = false;
	waited_for_tell(who, sizeof(who));
	tell_the_end(who);
}

static bool may_be_passed_on(const char *where)
{
	return turns.of->kind == TURN_OUT && turns.looks.stretch_ns >= FORGETS_NS &&
	       looks_behind_the_last(&turns.looks, turns.of, where, false);
}

/* To others of our own that take out, at once: were a breakpoint in still, it would go out beside
 * theirs under the same lock. A link waits for nothing else in between. */
static bool may_be_handed_on(const char *where, uint64_t now)
{
	return turns.waiting && turns.of->kind == TURN_OUT && turns.of->is_link &&
	       now - turns.round_ns < ROUND_NS &&
	       looks_behind_the_last(&turns.looks, turns.of, where, true);
}

/* Under the mutex: others need not wait for it any more. */
static void pass_on(bool is_handed)
{
	settle();
	turns.is_handed = is_handed;
	turns.warm_ns = is_handed ? turns.looks.worked_ns : 0;
	if (!is_handed) {
		lower_flag();
		host_lock_drop();
	}
	turns.of = NULL;
	pthread_cond_broadcast(&turns.changed);
}

/* Under the mutex. False: nothing is left to be watched of it. */
static bool look_at_turn(void)
{
	uint64_t now = clock_ns(), took;
	char where[48];

	waits_at(0, turns.looks.tid, where, sizeof(where));
	looks_note(&turns.looks, now, looks_idle_at(where), turns.comes_first);
	if (turns.looks.was_idle) {
		bool is_handed = may_be_handed_on(where, now);

		if (!is_handed && !may_be_passed_on(where))
			return true;
		pass_on(is_handed);
		return false;
	}
	snprintf(turns.where, sizeof(turns.where), "%s", where);
	took = now - turns.began_ns - turns.looks.idle_ns;
	raise_flag();
	if (turns.of->is_planting && breaker_is_last(&turns.breaker, took) &&
	    !turns.breaker.is_ended)
		end_for_good(took); /* then the turn may be over */
	return true;
}

static void sleep_ns(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	nanosleep(&t, NULL);
}

static void *watch(void *arg)
{
	uint64_t serial;
	long nap;
	bool go_on;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&turns.lock);
		while (!turns.of || !turns.began_ns)
			pthread_cond_wait(&turns.changed, &turns.lock);
		serial = turns.serial;
		do {
			nap = turns.waiting ? HAND_NS : SAMPLE_NS;
			pthread_mutex_unlock(&turns.lock);
			sleep_ns(nap);
			pthread_mutex_lock(&turns.lock);
			go_on = turns.of && turns.began_ns && turns.serial == serial &&
				look_at_turn();
		} while (go_on);
		pthread_mutex_unlock(&turns.lock);
	}
	return NULL;
}

int turn_watch(struct turn_news *news, bool comes_first)
{
	/* For tests that load the machine themselves. */
	const char *slow_ms = getenv("PYLEAK_TEST_SLOW_CHANGE_MS");
	pthread_t thread;
	int err;

	turns.news = news;
	turns.breaker.slow_ns = slow_ms ? strtoul(slow_ms, NULL, 10) * 1000000 : 0;
	turns.can_look = !thread_start(&thread, look_for_holders, NULL);
	if (turns.can_look)
		pthread_detach(thread);
	err = thread_start(&thread, watch, NULL);
	turns.comes_first = !err && comes_first;
	if (!err)
		pthread_detach(thread);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A channel of the guardian: sets of one session, and a thread that does what it is asked for. */
#ifndef PYLEAK_PROBE_GUARD_CHANNEL_H
#define PYLEAK_PROBE_GUARD_CHANNEL_H

#include <pthread.h>

#include "probe/guard_priv.h"

struct held {
	struct probe_set *set; /* NULL = closed */
};

struct channel {
	struct channel *next;
	struct guardian *g;
	int sock;
	/* Its thread closes what no set has any more, without the lock: the guardian does not end
	 * meanwhile. */
	bool is_closing;
	bool is_reading; /* code of a set, without the lock: none is closed meanwhile */
	/* In a request that is counted in preparing, behind the storage that it waits for. */
	_Atomic bool is_changing;
	pthread_mutex_t lock;  /* of the sets: its thread, or the watchdog */
	VEC(struct held) sets; /* number n is sets.v[n - 1] */
	struct {	       /* while the main thread has the lock, to take all out */
		pthread_t thread;
		bool is_ours, has_thread, is_out;
	} taking;
};

struct guardian {
	int control;
	struct guard_page *page;
	int tool_fd;		 /* pidfd, to wake us; -1 when there is none */
	_Atomic bool is_leaving; /* nothing goes in any more */
	_Atomic int preparing;	 /* requests that change nothing in a target, or read its code */
	pthread_mutex_t lock;	 /* of the list */
	struct channel *channels;
};

/* A channel for the tool that has the other end of @sock. */
void guard_channel_welcome(struct guardian *g, int sock);
/* Under the channel's lock. Everything out, but what would have to wait for a read that hangs:
 * then false. */
bool guard_channel_off(struct channel *c);
/* Under the channel's lock, when everything is out. */
void guard_channel_close(struct channel *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For tests of turns: a read of target memory that hangs for as long as it is told to. */
#ifndef PYLEAK_TESTS_TURN_FIXTURE_H
#define PYLEAK_TESTS_TURN_FIXTURE_H

#include "base/reading.h"
#include "base/thread.h"
#include "probe/host.h"

#include <unistd.h>

#include "unit/unit.h"

/* A read that is under way until the pipe is written to, as one that waits for storage. */
struct reader {
	pthread_t thread;
	int go[2], began[2];
	uint64_t code;
};

static void *read_until_told(void *arg)
{
	struct reader *r = arg;
	int slot = reading_begin_of(r->code);
	char byte;

	assert_true(write(r->began[1], "x", 1) == 1);
	assert_true(read(r->go[0], &byte, 1) == 1);
	reading_end(slot);
	return NULL;
}

static void reader_start(struct reader *r, uint64_t code)
{
	char byte;

	r->code = code;
	assert_int_equal(pipe(r->go) | pipe(r->began), 0);
	assert_int_equal(thread_start(&r->thread, read_until_told, r), 0);
	assert_true(read(r->began[0], &byte, 1) == 1);
}

static void reader_end(struct reader *r)
{
	assert_true(write(r->go[1], "x", 1) == 1);
	pthread_join(r->thread, NULL);
}

/* Opens the host's lock before a group of tests. Needs root. */
__attribute__((unused)) static int open_lock(void **state)
{
	(void)state;
	if (geteuid())
		return -1;
	host_lock_open();
	return 0;
}

#endif

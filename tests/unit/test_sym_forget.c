/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The answer of a debuginfod server comes while another thread closes the session it is for. The
 * answer is made up, and taking it takes long. */
#include <stdatomic.h>
#include <sys/socket.h>

#define sym_file_renew renew_slowly
#include "sym/servers.c"

#include "base/thread.h"
#include "unit.h"

#define LONG_MS 300

static atomic_bool is_taken, is_forgotten, was_forgotten_meanwhile;

void sym_file_renew(struct sym_file *f)
{
	(void)f;
	atomic_store(&is_taken, true);
	for (int i = 0; i < LONG_MS && !atomic_load(&is_forgotten); i++)
		usleep(1000);
	atomic_store(&was_forgotten_meanwhile, atomic_load(&is_forgotten));
}

static void *hear(void *s)
{
	sym_hear(s, 0);
	return NULL;
}

static void a_file_is_not_closed_while_its_answer_is_taken(void **state)
{
	const struct answer a = {0};
	struct sym_file f = {.asked = SYM_ASKED};
	struct sym *s = calloc(1, sizeof(*s));
	pthread_t hearing;
	int pair[2];

	(void)state;
	assert_non_null(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	asker.sock = pair[0];
	asked = &f;
	is_asking = true;
	assert_int_equal(packet_send(pair[1], &a, sizeof(a), pair[1]), 0);
	assert_int_equal(thread_start(&hearing, hear, s), 0);
	while (!atomic_load(&is_taken))
		usleep(1000);
	sym_servers_forget(&f);
	atomic_store(&is_forgotten, true);
	pthread_join(hearing, NULL);
	assert_false(atomic_load(&was_forgotten_meanwhile));
	assert_null(asked);
	assert_int_equal(fcntl(f.served, F_GETFD), -1);
	close(pair[0]);
	close(pair[1]);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_not_closed_while_its_answer_is_taken),
	};

	return cmocka_run_group_tests_name("sym_forget", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is a process a server? */
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc/sockets.h"

static bool listens(void)
{
	struct proc *p;
	bool it_does;

	assert_int_equal(proc_open(getpid(), &p), 0);
	it_does = proc_listens(p);
	proc_close(p);
	return it_does;
}

static void who_listens_serves(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(at);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int local = socket(AF_UNIX, SOCK_STREAM, 0), taken;

	(void)state;
	assert_false(listens());
	assert_int_equal(bind(tcp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_false(listens());
	assert_int_equal(listen(tcp, 5), 0);
	assert_true(listens());
	assert_int_equal(getsockname(tcp, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, size), 0);
	taken = accept(tcp, NULL, NULL);
	assert_true(taken >= 0);
	assert_true(listens());
	close(tcp);
	assert_false(listens()); /* what was accepted is no sign of more to come */
	close(taken);
	/* One of the kernel's choice, which lies in no folder. */
	assert_int_equal(bind(local, (struct sockaddr *)&here, sizeof(here.sun_family)), 0);
	assert_int_equal(listen(local, 5), 0);
	assert_true(listens());
	close(local);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_listens_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

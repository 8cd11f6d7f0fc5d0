/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors that come with a packet: all of them, or none. */
#include "base/packet.h"

#include "unit/unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	int pair[2], of[PACKET_FDS + 1], come[PACKET_FDS];
	size_t n;
	char byte;
} k;

static size_t count_open(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, k.pair), 0);
	for (size_t i = 0; i < ARRAY_SIZE(k.of); i++)
		k.of[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	k.byte = 'a';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(k.of); i++)
		close(k.of[i]);
	close(k.pair[0]);
	close(k.pair[1]);
	return 0;
}

static void receive(void)
{
	assert_int_equal(packet_receive_fds(k.pair[1], &k.byte, 1, k.come, &k.n), 1);
}

static void all_come(void **state)
{
	(void)state;
	assert_int_equal(packet_send_fds(k.pair[0], "b", 1, k.of, PACKET_FDS), 0);
	receive();
	assert_int_equal(k.byte, 'b');
	assert_int_equal(k.n, PACKET_FDS);
	for (size_t i = 0; i < k.n; i++)
		assert_int_equal(close(k.come[i]), 0);
}

static void assert_none(size_t open_before)
{
	assert_int_equal(k.n, 0);
	for (size_t i = 0; i < PACKET_FDS; i++)
		assert_int_equal(k.come[i], -1);
	assert_int_equal(count_open(), open_before);
}

/* There is a number left for one of them, as where descriptors run out. */
static void one_alone_does_not_come(void **state)
{
	size_t before = count_open();
	struct rlimit usual, few;
	int next = dup(0);

	(void)state;
	close(next);
	assert_int_equal(packet_send_fds(k.pair[0], "b", 1, k.of, PACKET_FDS), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = (struct rlimit){(rlim_t)next + 1, usual.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	receive();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_none(before);
}

/* The tool sends no more than PACKET_FDS; others may. */
static void more_than_there_is_room_for_do_not_come(void **state)
{
	union {
		char room[CMSG_SPACE(sizeof(k.of))];
		struct cmsghdr align;
	} control = {0};
	struct iovec v = {&k.byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	size_t before = count_open();

	(void)state;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(k.of));
	memcpy(CMSG_DATA(c), k.of, sizeof(k.of));
	assert_int_equal(sendmsg(k.pair[0], &m, MSG_NOSIGNAL), 1);
	receive();
	assert_none(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_alone_does_not_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for_do_not_come, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

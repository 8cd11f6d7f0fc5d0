/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies of the tool on one host: nobody switches while somebody reads, nor two at a time. */
#include "base/thread.h"
#include "probe/host.h"
#include "probe/readers.h"
#include "probe/turn.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/mechanism_priv.h"

#include "kern/turn_fixture.h"
#include "kern/waiting.h"

#define MS   1000000ull
#define CODE 4711

#define assert_done(call) assert_int_equal(call, 0)

static struct turn turn_of(enum turn_kind kind)
{
	return (struct turn){.kind = kind, .code = CODE, .is_planting = true};
}

/* Other tests change probes on this host at the same time, and their turns may last: asked again.
 */
static int take_in_the_end(struct turn *t)
{
	int err = turn_take(t);

	for (int i = 0; i < 100 && err == -EAGAIN; i++) {
		usleep(10000);
		err = turn_take(t);
	}
	return err;
}

static void a_read_that_hangs_keeps_probes_as_they_are(void **state)
{
	struct turn in = turn_of(TURN_IN), out = turn_of(TURN_OUT);
	struct reader r;

	(void)state;
	reader_start(&r, CODE);
	assert_int_equal(turn_take(&in), -EAGAIN); /* young, but it does not end */
	usleep(80000);
	assert_int_equal(readers_look(CODE, false, false), READERS_HUNG);
	assert_int_equal(turn_take(&in), -EAGAIN);
	assert_non_null(strstr(fail_text(), "does not come back"));
	assert_int_equal(turn_take(&out), -EAGAIN);
	reader_end(&r);
	assert_done(take_in_the_end(&in));
	turn_pass(&in);
	assert_done(turn_take(&out));
	turn_pass(&out);
}

/* A fork of the process whose lock it waits for has the lock of all forks: a change would wait for
 * that, whichever file it is of. */
static void one_of_another_program_keeps_probes_out_alone(void **state)
{
	struct turn in = turn_of(TURN_IN), out = turn_of(TURN_OUT), trial = turn_of(TURN_PREPARE);
	struct reader r;

	(void)state;
	reader_start(&r, CODE + 1);
	assert_done(take_in_the_end(&in)); /* young: it will end, and is not waited for */
	turn_pass(&in);
	usleep(80000);
	assert_int_equal(turn_take(&in), -EAGAIN);
	assert_non_null(strstr(fail_text(), "does not come back"));
	assert_int_equal(turn_take(&trial), -EAGAIN);
	assert_done(turn_take(&out));
	turn_pass(&out);
	out.is_library = true; /* that program maps libc, too */
	assert_int_equal(turn_take(&out), -EAGAIN);
	reader_end(&r);
	reader_start(&r, 0);
	out.is_library = false;
	assert_int_equal(turn_take(&out), -EAGAIN);
	reader_end(&r);
}

static void *end_soon(void *arg)
{
	usleep(400000);
	reader_end(arg);
	return NULL;
}

static void taking_out_waits_for_it_if_told_to(void **state)
{
	struct turn out = turn_of(TURN_OUT);
	uint64_t began = clock_ns();
	struct reader r;
	pthread_t t;

	(void)state;
	out.is_patient = true;
	reader_start(&r, CODE);
	assert_int_equal(thread_start(&t, end_soon, &r), 0);
	assert_done(turn_take(&out));
	turn_pass(&out);
	assert_in_range(clock_ns() - began, 390 * MS, 1500 * MS);
	pthread_join(t, NULL);
}

static void readers_wait_while_it_lasts(void **state)
{
	struct turn in = turn_of(TURN_IN);
	uint64_t began;

	(void)state;
	assert_done(take_in_the_end(&in));
	began = clock_ns();
	reading_end(reading_begin());
	assert_true(clock_ns() - began >= 2 * MS);
	turn_pass(&in);
	began = clock_ns();
	reading_end(reading_begin());
	assert_true(clock_ns() - began < 2 * MS);
}

/* Another copy that was stopped in the middle of its turn. */
static void a_lock_that_stays_stops_nobody(void **state)
{
	struct turn in = turn_of(TURN_IN), out = turn_of(TURN_OUT), prepare = turn_of(TURN_PREPARE);
	int fd = probe_open_events(O_RDONLY);
	uint64_t began;

	(void)state;
	while (flock(fd, LOCK_EX | LOCK_NB))
		usleep(1000);
	began = clock_ns();
	assert_int_equal(turn_take(&in), -EAGAIN);
	assert_in_range(clock_ns() - began, 100 * MS, 400 * MS);
	began = clock_ns();
	assert_done(turn_take(&out));
	turn_pass(&out);
	assert_in_range(clock_ns() - began, 200 * MS, 500 * MS);
	assert_done(turn_take(&prepare));
	turn_pass(&prepare);
	/* Two seconds and more: whoever has it does not come back. */
	assert_done(take_in_the_end(&in));
	turn_pass(&in);
	/* Nor does who asks rarely find that out each time. */
	usleep(1200000);
	began = clock_ns();
	assert_done(turn_take(&in));
	turn_pass(&in);
	assert_in_range(clock_ns() - began, 100 * MS, 400 * MS);
	/* It went on: then another has the lock for a while, and is waited for. */
	flock(fd, LOCK_UN);
	assert_done(turn_take(&in));
	turn_pass(&in);
	while (flock(fd, LOCK_EX | LOCK_NB))
		usleep(1000);
	assert_int_equal(turn_take(&in), -EAGAIN);
	close(fd);
}

static void *pass_soon(void *arg)
{
	usleep(50000);
	turn_pass(arg);
	return NULL;
}

static void one_turn_at_a_time(void **state)
{
	struct turn first = turn_of(TURN_OUT), second = turn_of(TURN_IN);
	uint64_t began = clock_ns();
	pthread_t t;

	(void)state;
	assert_done(turn_take(&first));
	assert_int_equal(thread_start(&t, pass_soon, &first), 0);
	assert_done(take_in_the_end(&second));
	assert_true(clock_ns() - began >= 45 * MS);
	turn_pass(&second);
	pthread_join(t, NULL);
}

static struct turn_news news;

/* A change that only waits for the kernel to forget: the next one need not wait for that. */
static void *forget_for_long(void *arg)
{
	struct turn *t = arg;

	for (uint64_t end = clock_ns() + 600 * MS; clock_ns() < end;)
		syscall(SYS_membarrier, 1 /* MEMBARRIER_CMD_GLOBAL */, 0, 0);
	turn_pass(t);
	return NULL;
}

struct holder {
	struct turn turn;
	atomic_int is_taken;
};

static void *take_and_forget(void *arg)
{
	struct holder *h = arg;

	assert_done(turn_take(&h->turn));
	atomic_store(&h->is_taken, 1);
	return forget_for_long(&h->turn);
}

static void a_turn_that_keeps_nobody_waiting_is_passed_on(void **state)
{
	struct holder h = {.turn = turn_of(TURN_OUT)};
	struct turn in = turn_of(TURN_IN);
	uint64_t began;
	pthread_t t;

	(void)state;
	assert_done(turn_watch(&news, false));
	assert_int_equal(thread_start(&t, take_and_forget, &h), 0);
	while (!atomic_load(&h.is_taken))
		usleep(100);
	began = clock_ns();
	assert_done(take_in_the_end(&in));
	assert_true(clock_ns() - began < 300 * MS);
	turn_pass(&in);
	pthread_join(t, NULL);
	assert_int_equal(atomic_load(&news.is_ended), 0);
}

#define LEAVING	     20
#define SIDE_BY_SIDE (200 * MS) /* each in its own time they take more than 16 ms each */

/* Closed links of our own follow each other at once. */
static void those_that_take_out_hand_it_on(void **state)
{
	struct holder h[LEAVING] = {0};
	uint64_t began = clock_ns(), took;
	struct turn in = turn_of(TURN_IN);
	pthread_t t[LEAVING];

	(void)state;
	for (size_t i = 0; i < LEAVING; i++) {
		h[i].turn = turn_of(TURN_OUT);
		h[i].turn.is_link = true;
		assert_int_equal(thread_start(&t[i], take_and_forget, &h[i]), 0);
	}
	for (size_t i = 0; i < LEAVING; i++)
		while (!atomic_load(&h[i].is_taken))
			usleep(100);
	took = clock_ns() - began;
	assert_done(take_in_the_end(&in)); /* the last one lets others have it */
	turn_pass(&in);
	for (size_t i = 0; i < LEAVING; i++)
		pthread_join(t[i], NULL);
	assert_true(took < SIDE_BY_SIDE);
	assert_int_equal(atomic_load(&news.is_ended), 0);
}

/* So that who stood for it says so, and not that the tool got no CPU. */
static void a_wait_for_a_read_that_hangs_is_told(void **state)
{
	struct turn out = turn_of(TURN_OUT);
	uint64_t began = clock_ns();
	struct reader r;
	pthread_t t;

	(void)state;
	assert_done(turn_take(&out));
	turn_pass(&out);
	assert_true(atomic_load(&news.hung_ns) < began);
	out.is_patient = true;
	reader_start(&r, CODE);
	assert_int_equal(thread_start(&t, end_soon, &r), 0);
	assert_done(turn_take(&out));
	turn_pass(&out);
	assert_true(atomic_load(&news.hung_ns) > began);
	pthread_join(t, NULL);
}

/* Two seconds in which nobody could fork: no more of that, and whoever waits is named. */
static void one_that_takes_two_seconds_is_the_last(void **state)
{
	struct turn in = turn_of(TURN_IN), out = turn_of(TURN_OUT);
	pid_t pid;

	(void)state;
	assert_true(waiting_start(&pid, "has a child", wait_for_a_child));
	assert_done(take_in_the_end(&in));
	for (int i = 0; i < 40 && !atomic_load(&news.is_ended); i++)
		usleep(100000);
	waiting_end(pid);
	assert_int_equal(atomic_load(&news.is_ended), 1);
	assert_non_null(strstr(news.why, "forks may have waited"));
	assert_non_null(strstr(news.why, "; it waits for "));
	turn_pass(&in);
	assert_int_equal(turn_take(&in), -ENOTSUP);
	assert_done(turn_take(&out));
	turn_pass(&out);
}

/* As the guardian sees the tool, where there is no page for all copies. */
static void a_child_sees_who_reads_on_a_page_of_our_own(void **state)
{
	struct reader r;
	int status;
	pid_t child;

	(void)state;
	assert_done(reading_share());
	reader_start(&r, CODE);
	usleep(80000);
	child = fork();
	if (!child)
		_exit(readers_look(CODE, false, false) == READERS_HUNG ? 7 : 8);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(readers_look(CODE, false, false), READERS_HUNG);
	reader_end(&r);
}

/* It hangs, or its container was stopped: nothing goes in, and what is in comes out. */
static void one_that_nobody_can_look_at_keeps_probes_out(void **state)
{
	struct turn in = turn_of(TURN_IN), out = turn_of(TURN_OUT);
	struct reading_row *row;
	struct reader r;

	(void)state;
	assert_done(reading_share());
	row = &reading_page()->row[reading_row()];
	reader_start(&r, CODE);
	atomic_store(&row->namespace, 1);
	for (unsigned i = 0; i < READING_SLOTS; i++)
		if (atomic_load(&row->slot[i].since_ns))
			atomic_store(&row->slot[i].since_ns, clock_ns() - 5000 * MS);
	assert_int_equal(readers_look(CODE, false, false), READERS_HUNG);
	for (unsigned i = 0; i < READING_SLOTS; i++)
		if (atomic_load(&row->slot[i].since_ns))
			atomic_store(&row->slot[i].since_ns, clock_ns() - 11000 * MS);
	assert_int_equal(readers_look(CODE, false, false), READERS_LOST);
	assert_int_equal(turn_take(&in), -EAGAIN);
	assert_non_null(strstr(fail_text(), "in another container"));
	assert_done(turn_take(&out));
	turn_pass(&out);
	atomic_store(&row->namespace, 0);
	reader_end(&r);
}

/* Two processes that join: one page, two rows; what a killed one has left is cleared. */
static void copies_share_a_page(void **state)
{
	int ready[2];
	unsigned row = 0, found = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		unsigned mine;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (host_join() || reading_begin_of(CODE) < 0)
			_exit(1);
		mine = reading_row();
		if (write(ready[1], &mine, sizeof(mine)) != sizeof(mine))
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(read(ready[0], &row, sizeof(row)) == sizeof(row));
	assert_done(host_join());
	assert_int_not_equal(row, reading_row());
	for (unsigned i = 0; i < READING_SLOTS; i++)
		found += reading_page()->row[row].slot[i].code == CODE;
	assert_int_equal(found, 1);
	usleep(80000);
	assert_int_equal(readers_look(CODE, false, false), READERS_HUNG);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(readers_look(CODE, false, false), READERS_NONE);
	assert_false(host_row_lives(reading_page(), row));
}

/* Beside one that is older and described, a map without a description is never come to. */
static bool has_a_page_already(void)
{
	__u32 id = 0;
	bool found = false;

	while (!found && !bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {0};
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		found = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && info.btf_id &&
			!strcmp(info.name, "pyleak_host2");
		close(fd);
	}
	return found;
}

/* As somebody makes one who may do nothing else with BPF. 0: it is not used, another is. */
static int join_beside_a_foreign_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pyleak_host2", 4, sizeof(struct reading_page),
				1, &opts);
	struct reading_page *theirs;

	theirs = mmap(NULL, sizeof(*theirs), PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || theirs == MAP_FAILED || host_join())
		return 1;
	for (unsigned i = 0; i < READING_ROWS; i++)
		if (atomic_load(&theirs->row[i].owner))
			return 2;
	return atomic_load(&reading_page()->row[reading_row()].owner) ? 0 : 3;
}

static void a_map_that_anybody_can_make_is_no_page(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (has_a_page_already()) {
		print_message("another copy of the tool runs here\n");
		skip();
	}
	child = fork();
	if (!child)
		_exit(join_beside_a_foreign_map());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* 0: it has it not while @fd does, and then it has; 1: there is no way to it. */
static int lock_from_a_container(int fd)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, "") ||
	    mount("none", "/sys", "tmpfs", MS_RDONLY, "") ||
	    access("/proc/1/root/sys/kernel/tracing/uprobe_events", R_OK))
		return 1;
	host_lock_open();
	if (!host_has_lock())
		return 2;
	while (flock(fd, LOCK_EX | LOCK_NB))
		usleep(1000);
	if (host_lock_try())
		return 3;
	flock(fd, LOCK_UN);
	while (!host_lock_try())
		usleep(1000);
	return 0;
}

static void a_container_without_tracefs_has_the_lock(void **state)
{
	int fd = probe_open_events(O_RDONLY), status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child)
		_exit(lock_from_a_container(fd));
	assert_int_equal(waitpid(child, &status, 0), child);
	close(fd);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 1) {
		print_message("the root of process 1 cannot be looked into here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_that_hangs_keeps_probes_as_they_are),
		cmocka_unit_test(one_of_another_program_keeps_probes_out_alone),
		cmocka_unit_test(taking_out_waits_for_it_if_told_to),
		cmocka_unit_test(readers_wait_while_it_lasts),
		cmocka_unit_test(one_turn_at_a_time),
		cmocka_unit_test(a_lock_that_stays_stops_nobody),
		cmocka_unit_test(a_child_sees_who_reads_on_a_page_of_our_own),
		cmocka_unit_test(one_that_nobody_can_look_at_keeps_probes_out),
		cmocka_unit_test(a_map_that_anybody_can_make_is_no_page),
		cmocka_unit_test(copies_share_a_page),
		cmocka_unit_test(a_container_without_tracefs_has_the_lock),
		cmocka_unit_test(a_turn_that_keeps_nobody_waiting_is_passed_on),
		cmocka_unit_test(those_that_take_out_hand_it_on),
		cmocka_unit_test(a_wait_for_a_read_that_hangs_is_told),
		cmocka_unit_test(one_that_takes_two_seconds_is_the_last),
	};

	return cmocka_run_group_tests_name("turn", tests, open_lock, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that holds the probes: whatever happens to the tool, nothing stays in the target. */
#include "probe/guard_priv.h"

#include "base/thread.h"
#include "confine/confine.h"
#include "kern/mechanism_fixture.h"
#include "kern/turn_fixture.h"
#include "proc/proc.h"
#include "storage/storage.h"
#include "unit/silent.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>

#define PATIENCE_S 2.0

struct scene {
	struct target t;
	struct counter c;
	struct probe_guard *g;
	struct probe_channel *channel;
	struct probe_set *s;
};

/* @rights: as watches do, without the right to see stacks in the kernel; NULL: with all rights. */
static void set_up_with(struct scene *k, int (*rights)(void))
{
	enum probe_mechanism m = PROBE_NONE;
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_set_spec spec = {.offsets = &offset, .n = 1, .label = "guarded"};

	ok(probe_guard_start(&(struct probe_guard_opts){.confine = rights}, &k->g));
	ok(probe_guard_join(k->g, &k->channel));
	ok(probe_guard_choose(k->channel, 0, 1, &m));
	k->t = target_start("/proc/self/exe");
	k->c = counter_new(m);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, k->t.pid, 0);
	spec.file_fd = file_fd;
	spec.prog_fd = k->c.prog;
	spec.pid = k->t.pid;
	spec.pidfd = pidfd;
	spec.guard = k->channel;
	ok(probe_set_open(m, &spec, &k->s));
	assert_int_equal(foreign_bytes(k->t.pid), 0);
}

static void set_up(struct scene *k)
{
	set_up_with(k, NULL);
}

static void tear_down(struct scene *k)
{
	probe_set_close(k->s);
	assert_int_equal(foreign_bytes(k->t.pid), 0);
	assert_int_equal(definitions(k->g->helper.pid), 0);
	probe_guard_leave(k->channel);
	probe_guard_stop(k->g);
	counter_free(&k->c);
	target_stop(&k->t);
}

static void put_in(struct scene *k)
{
	ok(probe_set_insist(k->s));
	assert_true(probe_set_is_on(k->s));
	assert_int_equal(foreign_bytes(k->t.pid), 1);
}

/* @n in all */
static void put_in_beside(struct scene *k, size_t n)
{
	ok(probe_set_insist(k->s));
	assert_int_equal(foreign_bytes(k->t.pid), n);
}

static double seconds_until_out(const struct scene *k)
{
	uint64_t begin = clock_ns();

	wait_until(foreign_bytes(k->t.pid) == 0);
	return (double)(clock_ns() - begin) / 1e9;
}

static void switches_on_request(void **state)
{
	struct scene k = {0};

	(void)state;
	set_up(&k);
	for (unsigned round = 1; round <= 3; round++) {
		ok(probe_set_warm(k.s));
		put_in(&k);
		target_call(&k.t, ONE, 100);
		ok(probe_set_off(k.s));
		assert_int_equal(foreign_bytes(k.t.pid), 0);
		target_call(&k.t, ONE, 100);
		assert_int_equal(counter_read(&k.c), 200 * round);
	}
	assert_int_equal(probe_guard_trips(k.g, NULL), 0);
	put_in(&k);
	tear_down(&k);
}

/* Nobody waits for it, and its answer is not lost when another comes in between. Places in libc are
 * not counted: births pay for what is told. */
static void sheds_beside_other_requests(void **state)
{
	struct scene k = {0};
	uint64_t offset = offset_of((const void *)many_sites);
	struct probe_set_spec spec = {
		.offsets = &offset, .n = 1, .label = "library", .pidfd = -1, .is_library = true};
	struct probe_set *library;
	size_t sites = 7, expected;

	(void)state;
	set_up(&k);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	spec.file_fd = file_fd;
	spec.prog_fd = k.c.prog;
	spec.pid = k.t.pid;
	spec.guard = k.channel;
	ok(probe_set_open(k.s->mechanism, &spec, &library));
	expected = k.s->mechanism == PROBE_MULTI;
	put_in(&k);
	ok(probe_set_insist(library));
	ok(probe_guard_shed(k.channel));
	wait_until(probe_guard_shed_done(k.channel, &sites) != -EINPROGRESS);
	assert_int_equal(sites, expected);
	ok(probe_guard_shed(k.channel));
	ok(probe_set_let_go(k.s));
	ok(probe_set_warm(k.s));
	ok(probe_guard_shed_done(k.channel, &sites));
	assert_int_equal(sites, expected);
	ok(probe_guard_shed(k.channel));
	wait_until(probe_guard_shed_done(k.channel, &sites) != -EINPROGRESS);
	assert_int_equal(sites, 0); /* of the others nothing is in */
	probe_set_close(library);
	tear_down(&k);
}

#define SETS 20 /* more than go side by side */

/* Several sets of one target, by one request, waited for or not; one of them was never in. */
static void takes_out_together(void **state)
{
	struct scene k = {0};
	struct probe_set *set[SETS + 1] = {0};
	uint64_t offset = offset_of((const void *)many_sites);

	(void)state;
	set_up(&k);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < SETS; i++) {
		uint64_t one = offset + i;
		struct probe_set_spec spec = {
			.offsets = &one,
			.n = 1,
			.label = "together",
			.file_fd = file_fd,
			.prog_fd = k.c.prog,
			.pid = k.t.pid,
			.pidfd = -1,
			.guard = k.channel,
		};

		ok(probe_set_open(k.s->mechanism, &spec, &set[i]));
	}
	for (int waits = 0; waits < 2; waits++) {
		for (size_t i = 1; i < SETS; i++)
			ok(probe_set_insist(set[i]));
		put_in_beside(&k, SETS);
		probe_sets_off(set, SETS + 1, waits);
		if (waits)
			assert_int_equal(foreign_bytes(k.t.pid), 1);
		for (size_t i = 0; i < SETS; i++)
			assert_false(probe_set_is_on(set[i]));
		wait_until(foreign_bytes(k.t.pid) == 1);
		assert_true(probe_set_is_on(k.s));
		ok(probe_set_off(k.s));
	}
	assert_int_equal(probe_guard_trips(k.g, NULL), 0);
	for (size_t i = 0; i < SETS; i++)
		probe_set_close(set[i]);
	tear_down(&k);
}

#define CHANNELS 8
#define EACH	 7	   /* sets of a channel, as a session has */
#define SIDE_NS	 500000000 /* one after the other they take a second and more */

struct many {
	struct probe_channel *channel[CHANNELS];
	struct probe_set *set[CHANNELS][EACH];
};

static void put_many_in(struct scene *k, struct many *m)
{
	uint64_t offset = offset_of((const void *)many_sites);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (size_t c = 0; c < CHANNELS; c++) {
		ok(probe_guard_join(k->g, &m->channel[c]));
		for (size_t i = 0; i < EACH; i++) {
			uint64_t one = offset + c * EACH + i;
			struct probe_set_spec spec = {
				.offsets = &one,
				.n = 1,
				.label = "many",
				.file_fd = file_fd,
				.prog_fd = k->c.prog,
				.pid = k->t.pid,
				.pidfd = -1,
				.guard = m->channel[c],
			};

			ok(probe_set_open(k->s->mechanism, &spec, &m->set[c][i]));
			ok(probe_set_insist(m->set[c][i]));
		}
	}
	assert_int_equal(foreign_bytes(k->t.pid), CHANNELS * EACH);
}

static void close_many(struct many *m)
{
	for (size_t c = 0; c < CHANNELS; c++) {
		for (size_t i = 0; i < EACH; i++)
			probe_set_close(m->set[c][i]);
		probe_guard_leave(m->channel[c]);
	}
}

/* Links alone go side by side. */
static void assert_out_soon(const struct scene *k, uint64_t began)
{
	double took = seconds_until_out(k);

	print_message("out after %.0f ms\n", took * 1e3);
	if (k->s->mechanism == PROBE_MULTI)
		assert_true(clock_ns() - began < SIDE_NS);
}

/* Nobody waits for them, and another channel goes on. */
static void channels_that_hang_up_are_out_together(void **state)
{
	int (*const rights[])(void) = {NULL, confine_guardian};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		struct many m = {0};
		struct scene k = {0};
		uint64_t began;

		set_up_with(&k, rights[i]);
		put_many_in(&k, &m);
		began = clock_ns();
		for (size_t c = 0; c < CHANNELS; c++)
			probe_guard_hang_up(m.channel[c]);
		for (size_t c = 0; c < CHANNELS; c++) {
			ok(probe_set_off(m.set[c][0]));
			assert_false(probe_set_is_on(m.set[c][0]));
			assert_int_equal(probe_set_on(m.set[c][0]), -ECANCELED);
		}
		close_many(&m);
		assert_true(clock_ns() - began < SIDE_NS / 2);
		assert_out_soon(&k, began);
		put_in(&k);
		assert_int_equal(probe_guard_trips(k.g, NULL), 0);
		tear_down(&k);
	}
}

/* The end of the guardian waits for what has been hung up: nothing stays. */
static void nothing_stays_of_channels_that_hang_up(void **state)
{
	struct many m = {0};
	struct scene k = {0};

	(void)state;
	set_up(&k);
	put_many_in(&k, &m);
	put_in_beside(&k, CHANNELS * EACH + 1);
	for (size_t c = 0; c < CHANNELS; c++)
		probe_guard_hang_up(m.channel[c]);
	close_many(&m);
	probe_guard_hang_up(k.channel);
	probe_set_close(k.s);
	probe_guard_leave(k.channel);
	probe_guard_stop(k.g);
	assert_int_equal(foreign_bytes(k.t.pid), 0);
	counter_free(&k.c);
	target_stop(&k.t);
}

static void channels_are_out_together_when_alarmed(void **state)
{
	struct many m = {0};
	struct scene k = {0};
	uint64_t began;

	(void)state;
	set_up_with(&k, confine_guardian);
	put_many_in(&k, &m);
	began = clock_ns();
	assert_int_equal(write(probe_guard_alarm_fd(k.g), "z", 1), 1);
	assert_out_soon(&k, began);
	close_many(&m);
	tear_down(&k);
}

static void takes_out_without_a_heartbeat(void **state)
{
	struct scene k = {0};
	uint64_t when = 0, began;
	double took;

	(void)state;
	set_up(&k);
	put_in(&k);
	for (int i = 0; i < 30; i++) { /* as long as it beats they stay */
		probe_guard_beat(k.g);
		usleep(100000);
	}
	assert_int_equal(foreign_bytes(k.t.pid), 1);
	began = clock_ns();
	took = seconds_until_out(&k);
	assert_true(took > PATIENCE_S - 0.3 && took < PATIENCE_S + 1.5);
	assert_int_equal(probe_guard_trips(k.g, &when), 1);
	assert_true(when + 200000000ull > began && when < began + 200000000ull);
	assert_false(probe_set_is_on(k.s));
	put_in(&k);
	assert_int_equal(probe_guard_trips(k.g, NULL), 1);
	tear_down(&k);
}

static void *takes_out(void *set)
{
	probe_set_off(set);
	return NULL;
}

/* A read of some other process hangs. It may map a library, whose set waits for it; the set of the
 * target's own program does not, and the channel that waits keeps it in no longer than the
 * heartbeat. */
static void a_set_that_waits_keeps_no_other_in(void **state)
{
	uint64_t offset = offset_of((const void *)plain_two);
	struct probe_set *library;
	struct scene k = {0};
	struct reader r;
	pthread_t t;
	long left;

	(void)state;
	ok(reading_share()); /* with the guardian */
	set_up(&k);
	auto_close int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const struct probe_set_spec spec = {
		.file_fd = file_fd,
		.prog_fd = k.c.prog,
		.offsets = &offset,
		.n = 1,
		.pid = k.t.pid,
		.pidfd = -1,
		.is_library = true,
		.label = "library",
		.guard = k.channel,
	};
	ok(probe_set_open(k.s->mechanism, &spec, &library));
	put_in(&k);
	ok(probe_set_insist(library));
	assert_int_equal(foreign_bytes(k.t.pid), 2);
	reader_start(&r, 1);
	assert_int_equal(thread_start(&t, takes_out, library), 0);
	for (int i = 0; (left = foreign_bytes(k.t.pid)) == 2 && i < 600; i++)
		usleep(10000);
	reader_end(&r); /* before anything can fail */
	pthread_join(t, NULL);
	assert_true(probe_guard_read_hung(k.g, 0));
	assert_int_equal(left, 1);
	assert_int_equal(foreign_bytes(k.t.pid), 0);
	probe_set_close(library);
	tear_down(&k);
}

static void takes_out_when_alarmed(void **state)
{
	struct scene k = {0};

	(void)state;
	set_up(&k);
	put_in(&k);
	assert_int_equal(write(probe_guard_alarm_fd(k.g), "z", 1), 1);
	assert_true(seconds_until_out(&k) < 1.0);
	assert_false(probe_set_is_on(k.s));
	tear_down(&k);
}

/* A tool that is killed with probes in. */
static void takes_out_when_the_tool_is_killed(void **state)
{
	int ready[2];
	pid_t tool, seen[2];

	(void)state;
	assert_int_equal(pipe(ready), 0);
	tool = fork();
	if (!tool) {
		struct scene k = {0};

		set_up(&k);
		put_in(&k);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		seen[0] = k.t.pid;
		seen[1] = k.g->helper.pid;
		if (write(ready[1], seen, sizeof(seen)) != sizeof(seen))
			_exit(1);
		for (;;) {
			probe_guard_beat(k.g);
			usleep(10000);
		}
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], seen, sizeof(seen)), sizeof(seen));
	kill(tool, SIGKILL);
	waitpid(tool, NULL, 0);
	/* The target of that tool ends with it: the definitions are what could stay. */
	wait_until(definitions(seen[1]) == 0);
	wait_until(kill(seen[1], 0) || foreign_bytes(seen[1]) < 0);
	close(ready[0]);
}

static void gives_up_a_process_that_has_ended(void **state)
{
	struct scene k = {0};

	(void)state;
	set_up(&k);
	kill(k.t.pid, SIGKILL);
	usleep(100000); /* a zombie keeps its number */
	assert_int_equal(probe_set_on(k.s), -ESRCH);
	assert_false(probe_set_is_on(k.s));
	probe_set_close(k.s);
	probe_guard_leave(k.channel);
	probe_guard_stop(k.g);
	counter_free(&k.c);
	target_stop(&k.t);
}

static void says_when_the_guardian_has_ended(void **state)
{
	struct scene k = {0};

	(void)state;
	set_up(&k);
	put_in(&k);
	kill(k.g->helper.pid, SIGKILL);
	assert_true(seconds_until_out(&k) < 5.0);
	remove_definitions(k.g->helper.pid);
	probe_set_off(k.s);
	assert_int_equal(probe_set_on(k.s), -ENOTSUP);
	assert_non_null(strstr(fail_text(), "(pyleak-probes) has ended"));
	probe_set_close(k.s);
	probe_guard_leave(k.channel);
	probe_guard_stop(k.g);
	counter_free(&k.c);
	target_stop(&k.t);
}

/* Whoever keeps the bytes below its own breakpoints would put ours back. */
static void a_debugger_keeps_probes_out(void **state)
{
	struct scene k = {0};

	(void)state;
	set_up(&k);
	put_in(&k);
	ok(probe_set_off(k.s));
	assert_int_equal(ptrace(PTRACE_SEIZE, k.t.pid, NULL, NULL), 0);
	assert_int_equal(probe_set_insist(k.s), -EAGAIN);
	assert_non_null(strstr(fail_text(), "debugger"));
	assert_false(probe_set_is_on(k.s));
	assert_int_equal(foreign_bytes(k.t.pid), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, k.t.pid, NULL, NULL), 0);
	assert_int_equal(waitpid(k.t.pid, NULL, 0), k.t.pid);
	assert_int_equal(ptrace(PTRACE_DETACH, k.t.pid, NULL, NULL), 0);
	put_in(&k);
	tear_down(&k);
}

struct heart {
	struct probe_guard *g;
	atomic_bool is_to_end;
};

static void *beats(void *arg)
{
	struct heart *h = arg;

	for (; !atomic_load(&h->is_to_end); usleep(10000))
		probe_guard_beat(h->g);
	return NULL;
}

/* Opens a set on code of the mount; returns the error, and how long it took. */
static int open_silent(const struct scene *k, const struct silent *mount, double *took)
{
	auto_close int fd = silent_open(mount);
	uint64_t offset = 0, began = clock_ns();
	struct probe_set_spec spec = {
		.offsets = &offset,
		.n = 1,
		.label = "silent",
		.file_fd = fd,
		.prog_fd = k->c.prog,
		.pid = k->t.pid,
		.pidfd = -1,
		.guard = k->channel,
	};
	struct probe_set *s;
	int err = probe_set_open(k->s->mechanism, &spec, &s);

	*took = (double)(clock_ns() - began) / 1e9;
	assert_null(s);
	return err;
}

/* The channel is given up, and what it holds comes out though the tool beats. */
static void storage_that_falls_silent_keeps_nobody(void **state)
{
	struct probe_channel *other;
	struct heart heart = {0};
	struct silent mount;
	struct scene k = {0};
	enum probe_mechanism m;
	pthread_t t;
	double took;
	int err, out;

	(void)state;
	set_up(&k);
	put_in(&k);
	if (!silent_start(&mount)) {
		tear_down(&k);
		skip();
	}
	heart.g = k.g;
	k.g->read_polls = 60; /* 3 s */
	assert_int_equal(thread_start(&t, beats, &heart), 0);
	err = open_silent(&k, &mount, &took);
	for (int i = 0; (out = foreign_bytes(k.t.pid)) && i < 300; i++)
		usleep(10000);
	assert_false(probe_set_is_on(k.s));
	assert_int_equal(probe_set_on(k.s), -ENOTSUP);
	ok(probe_guard_join(k.g, &other));
	ok(probe_guard_choose(other, 0, 1, &m));
	silent_stop(&mount); /* before anything can fail */
	assert_int_equal(err, -ENOTSUP);
	assert_true(took > 2.9 && took < 10);
	assert_int_equal(out, 0);
	assert_int_equal(probe_guard_trips(k.g, NULL), 0);
	atomic_store(&heart.is_to_end, true);
	pthread_join(t, NULL);
	probe_guard_leave(other);
	wait_until(definitions(k.g->helper.pid) == 0);
	tear_down(&k);
}

static void storage_that_is_silent_is_not_read(void **state)
{
	struct silent mount;
	struct scene k = {0};
	double took;
	int err;

	(void)state;
	set_up(&k);
	if (!silent_start(&mount)) {
		tear_down(&k);
		skip();
	}
	ok(storage_asker_start(NULL));
	err = open_silent(&k, &mount, &took);
	storage_asker_stop();
	silent_stop(&mount);
	assert_int_equal(err, -EAGAIN);
	assert_non_null(strstr(fail_text(), "does not answer"));
	assert_true(took < 5);
	tear_down(&k);
}

static int takes_long(void)
{
	sleep(3);
	return 0;
}

static bool to_end(void)
{
	return true;
}

/* Finding out what it needs takes the guardian seconds where others place probes. */
static void who_is_to_end_does_not_wait_for_it(void **state)
{
	const struct probe_guard_opts o = {.confine = takes_long, .is_cancelled = to_end};
	uint64_t begin = clock_ns();
	struct probe_guard *g;

	(void)state;
	assert_int_equal(probe_guard_start(&o, &g), -ECANCELED);
	assert_null(g);
	assert_true(clock_ns() - begin < 1000000000ull);
}

/* As process 1 of a container, or as a service: its end would be the guardian's. */
static void who_leads_a_session_waits_for_it(void **state)
{
	struct probe_guard_opts o = {.confine = takes_long, .is_cancelled = to_end};
	int status = 0;
	pid_t tool;

	(void)state;
	tool = fork();
	if (!tool) {
		uint64_t begin = clock_ns();
		struct probe_guard *g;

		if (setsid() < 0)
			_exit(1);
		o.ends_with_us = probe_guard_would_end();
		if (probe_guard_start(&o, &g) != -ECANCELED)
			_exit(1);
		if (clock_ns() - begin < 2500000000ull)
			_exit(2);
		_exit(waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? 0 : 3);
	}
	assert_int_equal(waitpid(tool, &status, 0), tool);
	assert_int_equal(status, 0);
}

/* The exit code of a process that is not the first of a session, without a terminal or with one. */
static int in_a_session(bool has_terminal, int (*code)(void))
{
	int status = 0, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t leader;

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	leader = fork();
	if (!leader) {
		setsid(); /* the first terminal that it opens is its own */
		if (has_terminal && open(ptsname(master), O_RDWR | O_CLOEXEC) < 0)
			_exit(100);
		if (!fork())
			_exit(code());
		wait(&status);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 101);
	}
	assert_int_equal(waitpid(leader, &status, 0), leader);
	close(master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 102;
}

static int would_end(void)
{
	return probe_guard_would_end();
}

/* Below an init or a script of a container, which ends with us; and a job of cron. */
static void a_shell_at_a_terminal_outlives_it(void **state)
{
	bool is_host =
		proc_in_first_pid_ns() && storage_is_same("/proc/self/ns/mnt", "/proc/1/ns/mnt");

	(void)state;
	assert_int_equal(in_a_session(false, would_end), 1);
	assert_int_equal(in_a_session(true, would_end), !is_host);
}

static void stands_still(int sock, void *ctx)
{
	(void)sock;
	(void)ctx;
	raise(SIGSTOP);
}

static void takes_a_while(int sock, void *ctx)
{
	(void)sock;
	(void)ctx;
	usleep(300000);
}

/* Not for ever: for as long as it is told, or until the other goes on. */
static void a_helper_is_waited_for_so_long(void **state)
{
	struct helper h;
	uint64_t begin;
	int status;

	(void)state;
	ok(helper_start("stands-still", stands_still, NULL, &h));
	assert_int_equal(waitpid(h.pid, &status, WUNTRACED), h.pid);
	assert_true(WIFSTOPPED(status));
	begin = clock_ns();
	assert_false(helper_stop_within(&h, 300000000ull));
	assert_true(clock_ns() - begin >= 300000000ull);
	assert_true(clock_ns() - begin < 2000000000ull);
	assert_int_equal(kill(h.pid, SIGCONT), 0);
	assert_int_equal(waitpid(h.pid, NULL, 0), h.pid);

	ok(helper_start("goes", takes_a_while, NULL, &h));
	begin = clock_ns();
	assert_true(helper_stop_within(&h, 5000000000ull));
	assert_true(clock_ns() - begin < 3000000000ull);
	assert_int_equal(waitpid(h.pid, NULL, 0), -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switches_on_request),
		cmocka_unit_test(sheds_beside_other_requests),
		cmocka_unit_test(takes_out_together),
		cmocka_unit_test(channels_that_hang_up_are_out_together),
		cmocka_unit_test(nothing_stays_of_channels_that_hang_up),
		cmocka_unit_test(channels_are_out_together_when_alarmed),
		cmocka_unit_test(takes_out_without_a_heartbeat),
		cmocka_unit_test(a_set_that_waits_keeps_no_other_in),
		cmocka_unit_test(takes_out_when_alarmed),
		cmocka_unit_test(takes_out_when_the_tool_is_killed),
		cmocka_unit_test(gives_up_a_process_that_has_ended),
		cmocka_unit_test(a_debugger_keeps_probes_out),
		cmocka_unit_test(says_when_the_guardian_has_ended),
		cmocka_unit_test(storage_that_falls_silent_keeps_nobody),
		cmocka_unit_test(storage_that_is_silent_is_not_read),
		cmocka_unit_test(who_is_to_end_does_not_wait_for_it),
		cmocka_unit_test(who_leads_a_session_waits_for_it),
		cmocka_unit_test(a_shell_at_a_terminal_outlives_it),
		cmocka_unit_test(a_helper_is_waited_for_so_long),
	};

	if (argc == 3 && !strcmp(argv[1], "--target"))
		return target_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

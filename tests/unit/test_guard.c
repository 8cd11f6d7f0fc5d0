/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guardian beside a read that hangs. Its kernel is one that only notes what it is told. */
#include "probe/guard_priv.h"

#include "base/thread.h"
#include "kern/turn_fixture.h"
#include "probe/leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define OTHER_PROGRAM                                                               \
	1 /* that is read: libraries wait for it, the target's own program does not \
	   */
#define PATIENCE_MS 10000

enum { OWN, LIBRARY, SETS };

/* Shared by the tool and the guardian. */
static struct {
	atomic_int in[SETS], closed, forgotten;
	atomic_int is_shedding, may_go_on; /* the library's */
} * kernel;

static struct {
	atomic_int begun, may_end;
	atomic_int reading; /* of the tool's own code */
	atomic_int opens_slowly, opening;
} * trial; /* shared, as kernel */

static bool is_storage_silent; /* of that code, for guardians to come */

struct scene {
	struct probe_guard *g;
	struct probe_channel *channel;
	struct probe_set *set[SETS];
	struct reader r;
};

/* ---- In place of the kernel, and of what looks at this machine. ---- */

static bool comes_to(atomic_int *what, int value)
{
	for (int i = 0; i < PATIENCE_MS && atomic_load(what) != value; i++)
		usleep(1000);
	return atomic_load(what) == value;
}

static int index_of(const struct probe_set *s)
{
	return s->is_library ? LIBRARY : OWN;
}

static int fake_open(struct probe_set *s)
{
	(void)s;
	if (!atomic_load(&trial->opens_slowly))
		return 0;
	atomic_store(&trial->opening, 1);
	comes_to(&trial->may_end, 1);
	return 0;
}

static int fake_on(struct probe_set *s)
{
	log_info("%s goes in", s->label);
	atomic_store(&kernel->in[index_of(s)], 1);
	return 0;
}

static int fake_off(struct probe_set *s)
{
	atomic_store(&kernel->in[index_of(s)], 0);
	return 0;
}

static void fake_close(struct probe_set *s)
{
	(void)s;
	atomic_fetch_add(&kernel->closed, 1);
}

static void fake_forget(struct probe_set *s)
{
	(void)s;
	atomic_fetch_add(&kernel->forgotten, 1);
}

static int fake_shed(struct probe_set *s)
{
	if (s->is_library) {
		atomic_store(&kernel->is_shedding, 1);
		for (int i = 0; i < PATIENCE_MS && !atomic_load(&kernel->may_go_on); i++)
			usleep(1000);
	}
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

const struct probe_ops probe_multi_ops = {
	.open = fake_open,
	.on = fake_on,
	.off = fake_off,
	.close = fake_close,
	.forget = fake_forget,
	.shed = fake_shed,
};
const struct probe_ops probe_tracefs_ops, probe_perf_ops;

int probe_selftest(enum probe_mechanism m)
{
	if (m != PROBE_MULTI)
		return -ENOTSUP;
	atomic_fetch_add(&trial->begun, 1);
	return comes_to(&trial->may_end, 1) ? 0 : -ENOTSUP;
}

void probe_self_read(void)
{
	if (!is_storage_silent)
		return;
	atomic_store(&trial->reading, 1);
	comes_to(&trial->may_end, 1);
}

double probe_event_ns(enum probe_mechanism m)
{
	(void)m;
	return 0;
}

int probe_check_main_thread(int pid)
{
	(void)pid;
	return 0;
}

int probe_check_room(int pid, size_t pages)
{
	(void)pid, (void)pages;
	return 0;
}

int probe_check_room_theirs(const struct probe_set *s)
{
	(void)s;
	return 0;
}

bool probe_host_is_crowded(void)
{
	return false;
}

void *leftovers_remove(void *unused)
{
	return unused;
}

void guard_leave_freezer(void)
{
}

static struct rlimit descriptors; /* that both may have from here on, where they had too few */

/* The guardian's; without one it takes the lock of all copies on this host. */
static int confine(void)
{
	if (descriptors.rlim_cur) {
		prlimit(0, RLIMIT_NOFILE, &descriptors, NULL);
		prlimit(getppid(), RLIMIT_NOFILE, &descriptors, NULL);
	}
	return 0;
}

/* ---- The tool. ---- */

static int try_set(struct probe_channel *c, bool is_library, struct probe_set **out)
{
	auto_close int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_close int prog = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const uint64_t offset = 0;
	const struct probe_set_spec spec = {
		.file_fd = file,
		.prog_fd = prog,
		.offsets = &offset,
		.n = 1,
		.pid = getpid(),
		.pidfd = -1,
		.is_library = is_library,
		.label = is_library ? "library" : "own",
		.guard = c,
	};

	return probe_set_open(PROBE_MULTI, &spec, out);
}

static struct probe_set *open_set(struct probe_channel *c, bool is_library)
{
	struct probe_set *s;

	assert_int_equal(try_set(c, is_library, &s), 0);
	return s;
}

static void set_up(struct scene *k)
{
	memset(kernel, 0, sizeof(*kernel));
	assert_int_equal(reading_share(), 0); /* with the guardian */
	assert_int_equal(probe_guard_start(&(struct probe_guard_opts){.confine = confine}, &k->g),
			 0);
	assert_int_equal(probe_guard_join(k->g, &k->channel), 0);
	for (int i = 0; i < SETS; i++)
		k->set[i] = open_set(k->channel, i == LIBRARY);
}

static void tear_down(struct scene *k)
{
	probe_guard_leave(k->channel);
	probe_guard_stop(k->g);
}

static bool comes_to_wait(const struct scene *k)
{
	for (int i = 0; i < PATIENCE_MS && !probe_guard_read_hung(k->g, 0); i++)
		usleep(1000);
	return probe_guard_read_hung(k->g, 0);
}

static void *close_it(void *set)
{
	probe_set_close(set);
	return NULL;
}

static void close_beside_a_read(struct scene *k, pthread_t *t)
{
	assert_int_equal(probe_set_insist(k->set[OWN]), 0);
	reader_start(&k->r, OTHER_PROGRAM);
	assert_int_equal(thread_start(t, close_it, k->set[LIBRARY]), 0);
}

/* It begins when the places are open a second time, and the second is to be closed. */
static void shed_beside_a_read(struct scene *k)
{
	for (int i = 0; i < SETS; i++)
		assert_int_equal(probe_set_insist(k->set[i]), 0);
	assert_int_equal(probe_guard_shed(k->channel), 0);
	assert_true(comes_to(&kernel->is_shedding, 1));
	reader_start(&k->r, OTHER_PROGRAM);
	atomic_store(&kernel->may_go_on, 1);
}

static void alarm_it(const struct scene *k)
{
	assert_int_equal(write(probe_guard_alarm_fd(k->g), "z", 1), 1);
}

static void tell_it_to_end(const struct scene *k)
{
	const char leave[GUARD_LEAVE] = {0};

	assert_int_equal(packet_send(k->g->helper.sock, leave, sizeof(leave), -1), 0);
}

static bool has_ended(const struct scene *k, int flags)
{
	siginfo_t info = {0};

	waitid(P_PID, (id_t)k->g->helper.pid, &info, WEXITED | WNOWAIT | flags);
	return info.si_pid;
}

static void a_close_that_waits_keeps_no_other_in(void **state)
{
	struct probe_set stale;
	struct scene k = {0};
	bool waits, is_out;
	int closed;
	pthread_t t;

	(void)state;
	set_up(&k);
	stale = *k.set[LIBRARY];
	close_beside_a_read(&k, &t);
	waits = comes_to_wait(&k);
	alarm_it(&k);
	is_out = comes_to(&kernel->in[OWN], 0);
	closed = atomic_load(&kernel->closed);
	reader_end(&k.r); /* before anything can fail */
	pthread_join(t, NULL);
	assert_true(waits);
	assert_int_equal(closed, 0);
	assert_true(is_out);
	assert_int_equal(atomic_load(&kernel->closed), 1);
	assert_int_equal(atomic_load(&kernel->forgotten), 1);
	assert_int_equal(stale.ops->on(&stale), -EINVAL);
	assert_int_equal(stale.ops->off(&stale), -EINVAL);
	assert_int_equal(atomic_load(&kernel->in[LIBRARY]), 0);
	assert_int_equal(probe_set_insist(k.set[OWN]), 0);
	probe_set_close(k.set[OWN]);
	assert_int_equal(atomic_load(&kernel->closed), 2);
	tear_down(&k);
}

static void a_shed_that_waits_keeps_no_other_in(void **state)
{
	struct scene k = {0};
	bool waits, is_out;
	size_t sites;
	int err;

	(void)state;
	set_up(&k);
	shed_beside_a_read(&k);
	waits = comes_to_wait(&k);
	alarm_it(&k);
	is_out = comes_to(&kernel->in[OWN], 0);
	assert_int_equal(atomic_load(&kernel->in[LIBRARY]), 1);
	assert_int_equal(probe_guard_shed_done(k.channel, &sites), -EINPROGRESS);
	reader_end(&k.r);
	assert_true(waits);
	assert_true(is_out);
	while ((err = probe_guard_shed_done(k.channel, &sites)) == -EINPROGRESS)
		usleep(1000);
	assert_int_equal(err, 0);
	assert_int_equal(sites, 1);
	for (int i = 0; i < SETS; i++)
		probe_set_close(k.set[i]);
	assert_int_equal(atomic_load(&kernel->in[LIBRARY]), 0);
	assert_int_equal(atomic_load(&kernel->closed), SETS);
	tear_down(&k);
}

/* Nothing is left half done, and what can go out has gone by then. */
static void it_does_not_end_before(void **state)
{
	pthread_t t;

	(void)state;
	for (int sheds = 0; sheds < 2; sheds++) {
		struct scene k = {0};
		bool waits, is_out, ended;
		int closed;

		set_up(&k);
		if (sheds)
			shed_beside_a_read(&k);
		else
			close_beside_a_read(&k, &t);
		waits = comes_to_wait(&k);
		tell_it_to_end(&k);
		is_out = comes_to(&kernel->in[OWN], 0);
		usleep(200000);
		ended = has_ended(&k, WNOHANG);
		closed = atomic_load(&kernel->closed);
		reader_end(&k.r);
		if (!sheds)
			pthread_join(t, NULL);
		assert_true(waits);
		assert_true(is_out);
		assert_false(ended);
		assert_int_equal(closed, 0);
		assert_true(has_ended(&k, 0));
		assert_int_equal(atomic_load(&kernel->in[LIBRARY]), 0);
		assert_int_equal(atomic_load(&kernel->closed), SETS);
		assert_int_equal(atomic_load(&kernel->forgotten), SETS);
		tear_down(&k);
	}
}

/* A limit of CPU time ends other programs, by a signal or without. */
static void no_limit_ends_it(void **state)
{
	static const int limits[] = {RLIMIT_CPU, RLIMIT_RTTIME};
	struct rlimit was[ARRAY_SIZE(limits)], is = {.rlim_cur = 0};
	struct scene k = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		assert_int_equal(getrlimit(limits[i], &was[i]), 0);
		is = (struct rlimit){100000000, was[i].rlim_max};
		assert_int_equal(setrlimit(limits[i], &is), 0);
	}
	set_up(&k);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		assert_int_equal(setrlimit(limits[i], &was[i]), 0);
		assert_int_equal(prlimit(k.g->helper.pid, limits[i], NULL, &is), 0);
		assert_true(is.rlim_cur == RLIM_INFINITY && is.rlim_max == RLIM_INFINITY);
	}
	assert_int_equal(kill(k.g->helper.pid, SIGXCPU), 0);
	assert_int_equal(kill(k.g->helper.pid, SIGXFSZ), 0);
	for (int i = 0; i < SETS; i++)
		probe_set_close(k.set[i]);
	assert_int_equal(atomic_load(&kernel->closed), SETS);
	tear_down(&k);
}

static void *insist(void *set)
{
	return probe_set_insist(set) ? set : NULL;
}

/* The words that it says within a change. */
static void nobody_has_to_hear_it(void **state)
{
	int words[2], stderr_fd = dup(STDERR_FILENO);
	char text[4096] = "";
	struct scene k = {0};
	void *err;
	bool is_in;
	pthread_t t;

	(void)state;
	assert_int_equal(pipe(words), 0);
	dup2(words[1], STDERR_FILENO);
	log_set_level(LOG_INFO);
	set_up(&k);
	log_set_level(LOG_WARN);
	dup2(stderr_fd, STDERR_FILENO);
	fcntl(words[1], F_SETFL, O_NONBLOCK);
	while (write(words[1], text, sizeof(text)) > 0)
		;
	fcntl(words[1], F_SETFL, 0);
	assert_int_equal(thread_start(&t, insist, k.set[OWN]), 0);
	is_in = comes_to(&kernel->in[OWN], 1);
	fcntl(words[0], F_SETFL, O_NONBLOCK);
	while (read(words[0], text, sizeof(text)) > 0)
		;
	pthread_join(t, &err);
	assert_true(is_in);
	assert_null(err);
	assert_int_equal(probe_set_insist(k.set[LIBRARY]), 0);
	assert_true(read(words[0], text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "library goes in\n"));
	for (int i = 0; i < SETS; i++)
		probe_set_close(k.set[i]);
	tear_down(&k);
	close(words[0]);
	close(words[1]);
	close(stderr_fd);
}

/* It lies on no disk, as one on FUSE or NFS: nobody tells when to write there takes long. */
static void say_into_a_file_that_may_be_silent(void)
{
	int words = memfd_create("words", MFD_CLOEXEC), stderr_fd = dup(STDERR_FILENO);
	char text[4096] = "";
	struct scene k = {0};

	assert_true(dup2(words, STDERR_FILENO) >= 0);
	log_set_level(LOG_INFO);
	set_up(&k);
	log_info("the tool does");
	log_set_level(LOG_WARN);
	dup2(stderr_fd, STDERR_FILENO);
	for (int i = 0; i < SETS; i++) {
		assert_int_equal(probe_set_insist(k.set[i]), 0);
		probe_set_close(k.set[i]);
	}
	tear_down(&k);
	assert_true(pread(words, text, sizeof(text) - 1, 0) > 0);
	assert_null(strstr(text, "goes in"));
	close(words);
	close(stderr_fd);
}

static void a_file_that_may_be_silent_hears_nothing(void **state)
{
	(void)state;
	say_into_a_file_that_may_be_silent();
}

/* Room for two files here and the two ends of a socket: it closes one of these, opens /dev/null in
 * its place, and the next open fails. */
static void it_hears_nothing_where_nothing_can_be_opened(void **state)
{
	struct rlimit few;
	int fd[4];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = dup(STDIN_FILENO);
	few = (struct rlimit){(rlim_t)fd[3] + 1, descriptors.rlim_max};
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	say_into_a_file_that_may_be_silent();
	descriptors.rlim_cur = 0;
}

static struct {
	struct reader r;
	int times;
} rest;

static void end_the_read(void)
{
	if (!rest.times++)
		reader_end(&rest.r);
}

/* So that a signal can end it. */
static void who_waits_for_a_read_may_rest(void **state)
{
	struct turn t = {.kind = TURN_OUT, .is_patient = true};

	(void)state;
	assert_int_equal(reading_share(), 0);
	reader_start(&rest.r, 0);
	turn_while_hung(end_the_read);
	assert_int_equal(turn_take(&t), 0);
	turn_while_hung(NULL);
	turn_pass(&t);
	assert_int_equal(rest.times, 1);
}

static void *choose_there(void *channel)
{
	enum probe_mechanism m;

	probe_guard_choose(channel, 0, 1, &m);
	return NULL;
}

static void *open_there(void *channel)
{
	struct probe_set *s;

	if (!try_set(channel, false, &s))
		probe_set_close(s);
	return NULL;
}

static bool ends(const struct scene *k)
{
	for (int i = 0; i < PATIENCE_MS && !has_ended(k, WNOHANG); i++)
		usleep(1000);
	return has_ended(k, WNOHANG);
}

/* A change of probes may be under way, in its own code. Silent storage it does not wait for so
 * long, of that code neither. */
static void it_does_not_end_within_a_change(void **state)
{
	enum { TRIAL, OPEN, SILENT, ALL };
	struct scene k[ALL] = {0};
	bool is_left, ended[SILENT];
	pthread_t t[ALL];

	(void)state;
	for (int i = 0; i < ALL; i++) {
		is_storage_silent = i == SILENT;
		set_up(&k[i]);
	}
	is_storage_silent = false;
	atomic_store(&trial->opens_slowly, 1);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(
			thread_start(&t[i], i == OPEN ? open_there : choose_there, k[i].channel),
			0);
	assert_true(comes_to(&trial->begun, 1));
	assert_true(comes_to(&trial->opening, 1));
	assert_true(comes_to(&trial->reading, 1));
	for (int i = 0; i < ALL; i++)
		tell_it_to_end(&k[i]);
	is_left = ends(&k[SILENT]);
	usleep(500000);
	for (int i = 0; i < SILENT; i++)
		ended[i] = has_ended(&k[i], WNOHANG);
	atomic_store(&trial->may_end, 1);
	for (int i = 0; i < ALL; i++)
		pthread_join(t[i], NULL);
	assert_true(is_left);
	assert_false(ended[TRIAL]);
	assert_false(ended[OPEN]);
	for (int i = 0; i < ALL; i++) {
		assert_true(has_ended(&k[i], 0));
		tear_down(&k[i]);
	}
	memset(trial, 0, sizeof(*trial));
}

static void *choose(void *out)
{
	int err = probe_choose_for(0, 1, out);

	return err ? out : NULL;
}

/* Two at once would find each other's breakpoints, and what they make of that is kept. */
static void one_trial_at_a_time(void **state)
{
	enum probe_mechanism m[3];
	uint64_t began;
	pthread_t t[2];
	void *err[2];
	int refused;

	(void)state;
	assert_int_equal(thread_start(&t[0], choose, &m[0]), 0);
	assert_true(comes_to(&trial->begun, 1));
	began = clock_ns();
	refused = probe_choose_for(0, 1, &m[2]);
	began = clock_ns() - began;
	assert_int_equal(thread_start(&t[1], choose, &m[1]), 0);
	usleep(100000);
	atomic_store(&trial->may_end, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], &err[i]);
	assert_int_equal(atomic_load(&trial->begun), 1);
	assert_int_equal(refused, -EAGAIN); /* the first may hang */
	assert_true(began < 2000000000);
	for (int i = 0; i < 2; i++) {
		assert_null(err[i]);
		assert_int_equal(m[i], PROBE_MULTI);
	}
}

static void *share(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_does_not_end_within_a_change), /* before one is made here */
		cmocka_unit_test(one_trial_at_a_time),
		cmocka_unit_test(who_waits_for_a_read_may_rest),
		cmocka_unit_test(a_close_that_waits_keeps_no_other_in),
		cmocka_unit_test(a_shed_that_waits_keeps_no_other_in),
		cmocka_unit_test(it_does_not_end_before),
		cmocka_unit_test(no_limit_ends_it),
		cmocka_unit_test(nobody_has_to_hear_it),
		cmocka_unit_test(a_file_that_may_be_silent_hears_nothing),
		cmocka_unit_test(it_hears_nothing_where_nothing_can_be_opened),
	};

	kernel = share(sizeof(*kernel));
	trial = share(sizeof(*trial));
	if (kernel == MAP_FAILED || trial == MAP_FAILED)
		return 1;
	setenv("PYLEAK_TEST_SLOW_CHANGE_MS", "60000", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of a real process: after every pattern of allocator calls the table of live blocks
 * must be what the target says it holds, to the byte. Needs root. */
#include "native_child.h"
/* One binary: it starts itself again as its target. */
#include "native_child.c"
#include "track/native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pyleak.skel.h"

struct fixture {
	pid_t pid;
	int to, from;
	struct proc *proc;
	struct pyleak_bpf *skel;
	struct native *native;
	struct account account;
	enum probe_mechanism mechanism;
	struct child_answer *answer;
	struct child_block *held; /* of all commands so far */
	size_t n_held;
};

static void start_child(struct fixture *f)
{
	int a[2], b[2];

	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (!f->pid) {
		char in[16], out[16];

		snprintf(in, sizeof(in), "%d", a[0]);
		snprintf(out, sizeof(out), "%d", b[1]);
		close(a[1]);
		close(b[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		execl("/proc/self/exe", "native_child", "child", in, out, (char *)NULL);
		_exit(127);
	}
	close(a[0]);
	close(b[1]);
	fcntl(a[1], F_SETFD, FD_CLOEXEC);
	fcntl(b[0], F_SETFD, FD_CLOEXEC);
	f->to = a[1];
	f->from = b[0];
}

static void tell(struct fixture *f, char what)
{
	assert_int_equal(write(f->to, &what, 1), 1);
}

static void hear(struct fixture *f)
{
	char *p = (char *)f->answer;
	size_t left = sizeof(*f->answer);

	while (left) {
		ssize_t n = read(f->from, p, left);

		assert_true(n > 0);
		p += n;
		left -= (size_t)n;
	}
}

static void load(struct fixture *f, uint64_t min_size, uint64_t max_size)
{
	struct bpf_program *p;

	f->skel = pyleak_bpf__open();
	assert_non_null(f->skel);
	f->skel->rodata->config.tgid = (uint32_t)f->pid;
	f->skel->rodata->config.min_size = min_size;
	f->skel->rodata->config.max_size = max_size;
	f->skel->rodata->config.max_frames = PL_MAX_FRAMES;
	bpf_object__for_each_program(p, f->skel->obj) bpf_program__set_expected_attach_type(
		p, (enum bpf_attach_type)probe_attach_type(f->mechanism));
	assert_int_equal(pyleak_bpf__load(f->skel), 0);
}

static void open_native(struct fixture *f, double share, bool force_exact)
{
	struct native_spec spec = {
		.proc = f->proc,
		.skel = f->skel,
		.mechanism = f->mechanism,
		.account = &f->account,
		.force_exact = force_exact,
	};

	account_open(&f->account, LEDGER_NATIVE, share, clock_ns());
	if (native_open(&spec, &f->native))
		fail_msg("native_open: %s", fail_text());
}

static struct fixture *make(enum probe_mechanism m)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mechanism = m;
	f->answer = calloc(1, sizeof(*f->answer));
	start_child(f);
	tell(f, '-'); /* it has come up when it answers */
	hear(f);
	if (proc_open(f->pid, &f->proc))
		fail_msg("%s", fail_text());
	return f;
}

static void unmake(struct fixture *f)
{
	native_close(f->native);
	pyleak_bpf__destroy(f->skel);
	proc_close(f->proc);
	close(f->to);
	close(f->from);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	free(f->answer);
	free(f->held);
	free(f);
}

static void hold(struct fixture *f)
{
	assert_false(f->answer->truncated);
	f->held = realloc(f->held, (f->n_held + f->answer->n + 1) * sizeof(*f->held));
	assert_non_null(f->held);
	memcpy(f->held + f->n_held, f->answer->block, f->answer->n * sizeof(*f->held));
	f->n_held += f->answer->n;
}

struct check {
	struct fixture *f;
	size_t found, wrong;
};

/* Blocks of the C library's and the loader's own (thread stacks' control blocks) are not the
 * child's. */
static bool is_own(struct fixture *f, const struct pl_block *b)
{
	const char *path;
	uint64_t offset;

	return !native_module(f->proc, b->site.caller, &path, &offset) &&
	       strstr(path, "test_native");
}

static int check_block(void *arg, uint64_t addr, const struct pl_block *b, double weight)
{
	struct check *c = arg;

	assert_true(weight == 1);
	if (!is_own(c->f, b))
		return 0;
	for (size_t i = 0; i < c->f->n_held; i++)
		if (c->f->held[i].addr == addr && c->f->held[i].size == b->size) {
			c->found++;
			return 0;
		}
	print_error("not held by the target: %#lx, %llu bytes\n", addr, b->size);
	c->wrong++;
	return 0;
}

static void expect_truth(struct fixture *f, const char *after)
{
	struct check c = {.f = f};

	if (native_each_block(f->native, check_block, &c))
		fail_msg("%s", fail_text());
	if (c.wrong || c.found != f->n_held)
		fail_msg("after %s: %zu of %zu blocks found, %zu wrong", after, c.found, f->n_held,
			 c.wrong);
}

static uint64_t lost(struct fixture *f, enum pl_lost_reason why)
{
	uint32_t zero = 0;
	struct pl_stats st;

	assert_int_equal(
		bpf_map__lookup_elem(f->skel->maps.stats, &zero, sizeof(zero), &st, sizeof(st), 0),
		0);
	return st.lost[why];
}

static void expect_no_loss(struct fixture *f)
{
	assert_int_equal(lost(f, PL_LOST_PENDING_LOST), 0);
	assert_int_equal(lost(f, PL_LOST_BLOCKS_FULL), 0);
	assert_int_equal(lost(f, PL_LOST_UNKNOWN_SITE), 0);
}

static void sum_sites(struct fixture *f, double *bytes, double *count)
{
	struct native_sites s;

	*bytes = *count = 0;
	assert_int_equal(native_sites(f->native, &s), 0);
	for (size_t i = 0; i < s.n; i++) {
		struct pl_block b = {.site = s.v[i].key};

		if (!is_own(f, &b))
			continue;
		*bytes += s.v[i].live_bytes;
		*count += s.v[i].live_count;
	}
	native_sites_free(&s);
}

static void exact(enum probe_mechanism m)
{
	static const struct {
		char what;
		const char *name;
	} rows[] = {
		{'m', "malloc and free"},  {'c', "calloc"}, {'r', "realloc"},
		{'a', "aligned variants"}, {'p', "mmap"},   {'t', "four threads"},
	};
	struct fixture *f = make(m);
	double bytes, count, want = 0;

	load(f, 0, UINT64_MAX);
	open_native(f, 1, true);
	assert_int_equal(native_state(f->native), NATIVE_EXACT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tell(f, rows[i].what);
		hear(f);
		hold(f);
		expect_truth(f, rows[i].name);
	}
	expect_no_loss(f);
	sum_sites(f, &bytes, &count);
	for (size_t i = 0; i < f->n_held; i++)
		want += (double)f->held[i].size;
	assert_true(count == (double)f->n_held);
	assert_true(bytes == want);
	unmake(f);
}

static void tracefs_is_exact(void **state)
{
	(void)state;
	exact(PROBE_TRACEFS);
}

static void multi_is_exact(void **state)
{
	enum probe_mechanism m;

	(void)state;
	if (probe_choose(8, PROBE_MULTI, &m))
		skip();
	exact(PROBE_MULTI);
}

static void sizes_are_filtered(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	size_t kept = 0;

	(void)state;
	load(f, 500, 800);
	open_native(f, 1, true);
	tell(f, 'm');
	hear(f);
	hold(f);
	for (size_t i = 0; i < f->n_held; i++)
		if (f->held[i].size >= 500 && f->held[i].size <= 800)
			f->held[kept++] = f->held[i];
	f->n_held = kept;
	expect_truth(f, "a filtered malloc");
	unmake(f);
}

/* The program takes the target for somebody else, so that none of its calls is ever counted. */
static void what_is_never_counted_does_not_stay(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	uint64_t end = clock_ns() + 20000000000ull;
	const pid_t pid = f->pid;

	(void)state;
	f->pid = getpid();
	load(f, 0, UINT64_MAX);
	f->pid = pid;
	open_native(f, 1, false);
	f->account.runs = true;
	assert_int_equal(native_state(f->native), NATIVE_EXACT);
	while (native_state(f->native) == NATIVE_EXACT && clock_ns() < end) {
		tell(f, 'm');
		hear(f);
		usleep(200000);
		assert_int_equal(native_poll(f->native), 0);
	}
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	unmake(f);
}

/* Blocks of before the pause are forgotten, those of during it are not seen, later ones are. */
static void pause_takes_the_probes_out(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);

	(void)state;
	load(f, 0, UINT64_MAX);
	open_native(f, 1, true);
	tell(f, 'm');
	hear(f);
	native_pause(f->native);
	tell(f, 'c');
	hear(f);
	assert_int_equal(native_resume(f->native), 0);
	expect_truth(f, "a pause");
	tell(f, 'r');
	hear(f);
	hold(f);
	expect_truth(f, "resuming");
	expect_no_loss(f);
	unmake(f);
}

static double pair_ns(struct fixture *f, char what)
{
	tell(f, what);
	hear(f);
	return (double)f->answer->ns / (double)f->answer->calls;
}

static void measure(enum probe_mechanism m)
{
	struct fixture *f = make(m);
	double off = 1e9, on = 1e9, two = 1e9;

	load(f, 0, UINT64_MAX);
	open_native(f, 1, true);
	for (int i = 0; i < 5; i++) {
		double t;

		native_pause(f->native);
		t = pair_ns(f, 'S');
		off = t < off ? t : off;
		assert_int_equal(native_resume(f->native), 0);
		usleep(10000);
		t = pair_ns(f, 's');
		on = t < on ? t : on;
		t = pair_ns(f, '2');
		two = t < two ? t : two;
	}
	usleep(300000);
	native_poll(f->native);
	print_message("  %s: a pair costs %.0f ns, off %.1f ns; two threads %.0f ns\n",
		      probe_mechanism_name(m), on, off, two);
	assert_true(off > 1 && off < 500 && on > 10 * off);
	unmake(f);
}

static void cost_of_a_pair(void **state)
{
	enum probe_mechanism m;

	(void)state;
	measure(PROBE_TRACEFS);
	if (!probe_choose(8, PROBE_MULTI, &m))
		measure(PROBE_MULTI);
}

/* A busy target and 2 %: bursts; the leak's site leads, and the churn does not survive. */
static void bursts_find_a_leak(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	struct native_sites s;
	struct timespec ms = {0, 20000000};
	uint64_t leaked = 0;

	(void)state;
	load(f, 0, UINT64_MAX);
	tell(f, 'l');
	nanosleep(&ms, NULL);
	open_native(f, 0.02, false);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	for (int k = 0; k < 4; k++) {
		if (k) /* the first three seconds have begun already */
			tell(f, 'l');
		for (uint64_t end = clock_ns() + 3000000000u; clock_ns() < end;
		     nanosleep(&ms, NULL))
			assert_int_equal(native_poll(f->native), 0);
		hear(f);
		leaked += f->answer->calls;
	}
	assert_int_equal(native_sites(f->native, &s), 0);
	print_message("  leaked %lu blocks, %lu bytes; spent %.0f ms\n", leaked, 700 * leaked,
		      f->account.spent_ns / 1e6);
	for (size_t i = 0; i < s.n; i++)
		print_message("  site %#llx kind %u: %.0f blocks, %.0f bytes from %lu samples\n",
			      s.v[i].key.caller, s.v[i].key.kind, s.v[i].live_count,
			      s.v[i].live_bytes, s.v[i].samples);
	assert_true(s.n >= 1);
	native_sites_free(&s);
	unmake(f);
}

#define DEAR_NS 2000 /* an event takes 600 on most hosts */

/* More survivors in a window than are kept: those stand for the others. Under probes the target is
 * half as fast, where events are dear a tenth as fast, and the youngest do not count yet. */
static void samples_have_weights(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	const struct timespec ms = {.tv_nsec = 10000000};
	struct native_sites s;
	double share = 0, event_ns;

	(void)state;
	assert_int_equal(probe_try(PROBE_TRACEFS, &event_ns), 0);
	load(f, 0, UINT64_MAX);
	tell(f, 'f');
	nanosleep(&ms, NULL);
	open_native(f, 0.05, false);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	for (uint64_t end = clock_ns() + 5800000000u; clock_ns() < end; nanosleep(&ms, NULL))
		assert_int_equal(native_poll(f->native), 0);
	hear(f);
	assert_int_equal(native_sites(f->native, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		share += s.v[i].live_count / (double)f->answer->calls;
	print_message("  %.2f of %lu blocks\n", share, f->answer->calls);
	assert_true(share > (event_ns < DEAR_NS ? 0.3 : 0.1) && share < 1.2);
	native_sites_free(&s);
	unmake(f);
}

/* A full table would make a leak look as if it had ended: samples from there on, for good. */
static void too_many_blocks_are_sampled(void **state)
{
	struct fixture *f = make(PROBE_TRACEFS);
	const struct timespec ms = {.tv_nsec = 20000000};

	(void)state;
	load(f, 0, UINT64_MAX);
	open_native(f, 1, false);
	assert_int_equal(native_state(f->native), NATIVE_EXACT);
	tell(f, 'n');
	hear(f);
	for (uint64_t end = clock_ns() + 4000000000u; clock_ns() < end; nanosleep(&ms, NULL))
		assert_int_equal(native_poll(f->native), 0);
	assert_int_equal(native_state(f->native), NATIVE_BURST);
	unmake(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracefs_is_exact),
		cmocka_unit_test(multi_is_exact),
		cmocka_unit_test(sizes_are_filtered),
		cmocka_unit_test(what_is_never_counted_does_not_stay),
		cmocka_unit_test(pause_takes_the_probes_out),
		cmocka_unit_test(cost_of_a_pair),
		cmocka_unit_test(bursts_find_a_leak),
		cmocka_unit_test(samples_have_weights),
		cmocka_unit_test(too_many_blocks_are_sampled),
	};

	if (argc == 4 && !strcmp(argv[1], "child"))
		return native_child_main(atoi(argv[2]), atoi(argv[3]));
	if (geteuid()) {
		print_message("needs root: skipped\n");
		return 77;
	}
	if (getenv("V"))
		log_set_level(LOG_DEBUG);
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

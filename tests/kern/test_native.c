/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of a real process: after every pattern of allocator calls the table of live blocks
 * must be what the target says it holds, to the byte. Needs root. */
#include "native_fixture.h"

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
	const struct proc_map *m = proc_find_map(f->proc, b->site.caller);

	return m && strstr(m->path, "test_native");
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
	for (int i = 0; i < 3; i++) {
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracefs_is_exact),
		cmocka_unit_test(multi_is_exact),
		cmocka_unit_test(sizes_are_filtered),
		cmocka_unit_test(what_is_never_counted_does_not_stay),
		cmocka_unit_test(pause_takes_the_probes_out),
		cmocka_unit_test(cost_of_a_pair),
	};

	if (is_child(argc, argv))
		return native_child_main(atoi(argv[2]), atoi(argv[3]));
	return may_run(argc, argv) ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}

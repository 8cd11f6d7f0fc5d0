/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Retention on plain evidence: the culprit that is named, and when nobody is. */
#include "verdict/retention.h"

#include <math.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/retention.h"
#include "unit.h"

#define MIB 1048576.0
#define NOT                                                                \
	{                                                                  \
		NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN \
	}

struct row {
	const char *name, *code; /* NULL: no retention */
	struct retention_evidence e;
};

#define GREW(...) .grew = {__VA_ARGS__}

static const struct row rows[] = {
	{"arenas",
	 "arena-fragmentation",
	 {60, GREW(.rss = 100 * MIB, .anon = 100 * MIB, .live = 2 * MIB, .pools = 95 * MIB),
	  .rss = 300 * MIB}},
	{"arenas full of live objects",
	 NULL,
	 {60, GREW(.rss = 100 * MIB, .anon = 100 * MIB, .live = 90 * MIB, .pools = 95 * MIB),
	  .rss = 300 * MIB}},
	{"somebody else's anonymous memory",
	 NULL,
	 {60, GREW(.rss = 100 * MIB, .anon = 100 * MIB, .live = 0, .pools = 0), .rss = 300 * MIB}},
	{"too soon",
	 NULL,
	 {5, GREW(.rss = 100 * MIB, .anon = 100 * MIB, .live = 2 * MIB, .pools = 95 * MIB),
	  .rss = 300 * MIB}},
	{"too little",
	 NULL,
	 {60, GREW(.rss = 3 * MIB, .anon = 3 * MIB, .live = 0, .pools = 3 * MIB), .rss = 20 * MIB}},
	{"little of much",
	 NULL,
	 {60, GREW(.rss = 30 * MIB, .anon = 30 * MIB, .live = 0, .pools = 30 * MIB),
	  .rss = 2000 * MIB}},
	{"malloc",
	 "malloc-fragmentation",
	 {60,
	  GREW(.rss = 50 * MIB, .anon = 50 * MIB, .live = 0, .pools = 0, .malloced = 1 * MIB,
	       .malloc_slack = 48 * MIB),
	  .rss = 100 * MIB}},
	{"malloc in use",
	 NULL,
	 {60,
	  GREW(.rss = 50 * MIB, .anon = 50 * MIB, .live = 0, .pools = 0, .malloced = 40 * MIB,
	       .malloc_slack = 10 * MIB),
	  .rss = 100 * MIB}},
	{"huge pages",
	 "huge-pages",
	 {60, GREW(.rss = 64 * MIB, .anon = 64 * MIB, .live = 0, .huge = 64 * MIB),
	  .rss = 100 * MIB}},
	{"a model in huge pages, loaded at once",
	 NULL,
	 {60,
	  GREW(.rss = 64 * MIB, .anon = 64 * MIB, .live = 0, .huge = 64 * MIB,
	       .malloced = 63 * MIB),
	  .rss = 100 * MIB}},
	{"huge pages, and nobody knows what is in them",
	 NULL,
	 {60, GREW(.rss = 64 * MIB, .anon = 64 * MIB, .live = 0, .huge = 64 * MIB, .malloced = NAN),
	  .rss = 100 * MIB}},
	{"a leak that happens to lie in huge pages",
	 NULL,
	 {60, GREW(.rss = 64 * MIB, .anon = 64 * MIB, .live = 60 * MIB, .huge = 64 * MIB),
	  .rss = 100 * MIB}},
	{"a child that only reads",
	 "copy-on-write",
	 {60, GREW(.rss = 0, .anon = 0, .private_bytes = 50 * MIB, .shared = -49 * MIB, .live = 0),
	  .rss = 100 * MIB, .is_forked = true}},
	{"the same without a parent",
	 NULL,
	 {60, GREW(.rss = 0, .anon = 0, .private_bytes = 50 * MIB, .shared = -49 * MIB, .live = 0),
	  .rss = 100 * MIB}},
	{"page cache",
	 "page-cache",
	 {60,
	  GREW(.rss = 0, .anon = 0, .live = 0, .cgroup = 200 * MIB, .cgroup_file = 190 * MIB,
	       .io = 200 * MIB),
	  .rss = 30 * MIB}},
	{"page cache of a neighbour",
	 NULL,
	 {60,
	  GREW(.rss = 0, .anon = 0, .live = 0, .cgroup = 200 * MIB, .cgroup_file = 190 * MIB,
	       .io = 2 * MIB),
	  .rss = 30 * MIB}},
	{"a neighbour in the group",
	 NULL,
	 {60, GREW(.rss = 0, .anon = 0, .live = 0, .cgroup = 200 * MIB, .cgroup_file = 10 * MIB),
	  .rss = 30 * MIB}},
	{"a spike of long ago",
	 "arena-fragmentation",
	 {60, GREW(.rss = 0, .anon = 0, .live = 0), .rss = 116 * MIB, .pools_idle = 100 * MIB}},
	{"a spike of long ago, and it grows",
	 NULL,
	 {60, GREW(.rss = 10 * MIB, .anon = 10 * MIB, .live = 10 * MIB), .rss = 126 * MIB,
	  .pools_idle = 100 * MIB}},
	{"a spike of long ago, and a file is mapped",
	 NULL,
	 {60, GREW(.rss = 10 * MIB, .anon = 0, .live = 0), .rss = 126 * MIB,
	  .pools_idle = 100 * MIB}},
	{"a spike of long ago, and it is swapped out",
	 NULL,
	 {60, GREW(.rss = 0, .anon = 10 * MIB, .live = 10 * MIB), .rss = 126 * MIB,
	  .pools_idle = 100 * MIB}},
	{"some slack is normal",
	 NULL,
	 {60, GREW(.rss = 0, .anon = 0, .live = 0), .rss = 116 * MIB, .pools_idle = 40 * MIB}},
	{"nothing known", NULL, {60, .grew = NOT, .rss = 30 * MIB, .pools_idle = NAN}},
};

static void the_culprit_is_named_or_nobody(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_process p = {.verdict = CLASS_GROWING, .reason = "?"};
		struct retention_evidence e = rows[i].e;
		struct report *r;
		bool is;

		e.trimmable = NAN;
		assert_int_equal(report_new(&r), 0);
		is = retention_judge(&e, r, &p);
		if (is != (rows[i].code != NULL))
			fail_msg("%s: %s", rows[i].name, p.reason);
		if (is && strcmp(p.hint.code, rows[i].code) != 0)
			fail_msg("%s: %s", rows[i].name, p.hint.code);
		assert_int_equal(p.verdict, is ? CLASS_RETENTION : CLASS_GROWING);
		report_free(r);
	}
}

static void a_leak_stays_a_leak(void **state)
{
	struct report_site site = {.verdict = CLASS_GROWING, .growth_bytes_per_s = 1.5 * MIB};
	struct report_process p = {.verdict = CLASS_LEAK};
	struct retention_evidence e = rows[0].e;
	struct report *r;

	(void)state;
	e.grew.malloced = NAN;
	assert_int_equal(report_new(&r), 0);
	assert_false(retention_judge(&e, r, &p));
	/* and what one line's objects explain is theirs */
	p = (struct report_process){.verdict = CLASS_GROWING, .sites = &site, .n_sites = 1};
	assert_false(retention_judge(&e, r, &p));
	/* unless what is in use was counted, and did not grow */
	e.grew.malloced = 1 * MIB;
	assert_true(retention_judge(&e, r, &p));
	e.grew.malloced = NAN;
	p = (struct report_process){.verdict = CLASS_GROWING, .sites = &site, .n_sites = 1};
	site.growth_bytes_per_s = 0.1 * MIB;
	e.trimmable = 10 * MIB;
	assert_true(retention_judge(&e, r, &p));
	assert_non_null(strstr(p.reason, "malloc_trim would give back 10.0 MiB"));
	report_free(r);
}

static void the_allocator_is_named(void **state)
{
	struct retention_evidence e = rows[0].e;

	(void)state;
	e.trimmable = NAN;
	for (int i = 0; i < 2; i++) {
		struct report_process p = {.verdict = CLASS_GROWING, .reason = "?"};
		struct report *r;

		e.has_mimalloc = i;
		assert_int_equal(report_new(&r), 0);
		assert_true(retention_judge(&e, r, &p));
		assert_non_null(
			strstr(p.reason, i ? "in mimalloc's pages" : "in pymalloc's arenas"));
		report_free(r);
	}
}

static bool is_retention(struct retention_evidence e, double site_per_s)
{
	struct report_site site = {.verdict = CLASS_GROWING, .growth_bytes_per_s = site_per_s};
	struct report_process p = {
		.verdict = CLASS_GROWING, .reason = "?", .sites = &site, .n_sites = site_per_s > 0};
	struct report *r;
	bool is;

	e.trimmable = NAN;
	e.grew.rss = e.grew.anon;
	assert_int_equal(report_new(&r), 0);
	is = retention_judge(&e, r, &p);
	report_free(r);
	return is;
}

/* By 15 %: what is moved by more is noticed. */
static void both_sides_of_each_threshold(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double up = i ? 1.15 : 0.85, mib = up * MIB;
		const struct retention_evidence e = {
			60, GREW(.anon = 100 * MIB, .pools = 100 * MIB), .rss = 300 * MIB};
		struct retention_evidence x = e;

		x.watched_s = 8 * up;
		assert_int_equal(is_retention(x, 0), i);
		x = e;
		x.grew.pools = 60 * mib;
		assert_int_equal(is_retention(x, 0), i);
		x = e;
		x.grew.live = 34 * mib;
		assert_int_equal(is_retention(x, 0), !i);
		x = (struct retention_evidence){60, GREW(.anon = 4 * mib, .pools = 4 * mib),
						.rss = 20 * MIB};
		assert_int_equal(is_retention(x, 0), i);
		x = (struct retention_evidence){60, GREW(.anon = 40 * mib, .pools = 40 * mib),
						.rss = 1000 * MIB};
		assert_int_equal(is_retention(x, 0), i);
		x = (struct retention_evidence){60, GREW(.live = 0), .rss = 40 * MIB,
						.pools_idle = 24 * mib};
		assert_int_equal(is_retention(x, 0), i);
		x = (struct retention_evidence){60, GREW(.live = 0), .rss = 200 * MIB,
						.pools_idle = 100 * mib};
		assert_int_equal(is_retention(x, 0), i);
		x = e;
		x.grew.malloced = NAN; /* not counted: the site's own rate */
		assert_int_equal(is_retention(x, 50 * mib / 60), !i);
	}
}

/* Private and shared memory, in MiB, a reading per second. */
static struct retention_evidence read_pages(const double (*mib)[2], size_t n)
{
	struct retention_evidence e = {.grew = NOT};
	struct retention_log l = {0};

	for (size_t i = 0; i < n; i++) {
		const double value[KEPT_MAX] = {
			[KEPT_RSS] = 60 * MIB,
			[KEPT_PRIVATE] = mib[i][0] * MIB,
			[KEPT_SHARED] = mib[i][1] * MIB,
		};

		retention_add(&l, (double)i, value);
	}
	retention_evidence(&l, &e);
	e.is_forked = true;
	return e;
}

static void pages_shared_with_own_children_are_no_growth(void **state)
{
	static const double once[][2] = {{10, 50}, {10, 50}, {20, 40}, {30, 30}, {30, 30},
					 {40, 20}, {40, 20}, {50, 10}, {50, 10}, {50, 10}};
	static const double often[][2] = {{10, 50}, {10, 50}, {10, 50}, {50, 10}, {50, 10},
					  {10, 50}, {50, 10}, {50, 10}, {50, 10}, {50, 10}};
	struct retention_evidence e = read_pages(once, ARRAY_SIZE(once));

	(void)state;
	assert_float_equal(e.grew.private_bytes, 30 * MIB, 1);
	assert_float_equal(e.grew.shared, -30 * MIB, 1);
	assert_true(is_retention(e, 0));
	e = read_pages(often, ARRAY_SIZE(often));
	assert_float_equal(e.grew.private_bytes, 40 * MIB, 1);
	assert_float_equal(e.grew.shared, 0, 1);
	assert_false(is_retention(e, 0));
}

/* Starts a process that has this program, too: forked, or started anew with the same words. */
static pid_t start_child(bool anew)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (anew)
		execl("/proc/self/exe", "waits_", NULL);
	pause();
	_exit(1);
}

static bool child_is_forked(bool anew)
{
	struct proc child = {.pid = start_child(anew), .ppid = getpid()};
	char path[32], name[8] = "";
	bool is;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", child.pid);
	while (anew && strcmp(name, "waits_") != 0) {
		usleep(1000);
		f = fopen(path, "r");
		assert_non_null(f);
		name[fread(name, 1, sizeof(name) - 1, f)] = '\0';
		fclose(f);
	}
	is = retention_is_forked(&child);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	return is;
}

static void pages_are_shared_after_a_fork_alone(void **state)
{
	struct proc own = {.pid = getpid(), .ppid = getppid()};

	(void)state;
	assert_true(child_is_forked(false));
	assert_false(child_is_forked(true));
	assert_false(retention_is_forked(&own));
	own.ppid = 1;
	assert_false(retention_is_forked(&own));
}

/* Without random addresses the two look alike. */
static void neither_are_they_where_addresses_are_alike(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		if (personality(ADDR_NO_RANDOMIZE) >= 0)
			execl("/proc/self/exe", "starts", NULL);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "waits_"))
		return pause();
	if (argc && !strcmp(argv[0], "starts"))
		return !child_is_forked(false) || child_is_forked(true);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_culprit_is_named_or_nobody),
		cmocka_unit_test(the_allocator_is_named),
		cmocka_unit_test(both_sides_of_each_threshold),
		cmocka_unit_test(a_leak_stays_a_leak),
		cmocka_unit_test(pages_shared_with_own_children_are_no_growth),
		cmocka_unit_test(pages_are_shared_after_a_fork_alone),
		cmocka_unit_test(neither_are_they_where_addresses_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

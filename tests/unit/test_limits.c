/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits: cgroup trees of both versions as files, rlimits of a real process, and the time until a
 * limit is met. */
#include "proc/limits.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge/judge.h"
#include "verdict/eta.h"
#include "unit.h"
#include "groups.h"

/* The group has room, its parent has less: the parent's limit counts. */
static void version_2_finds_the_tightest_group_on_the_way_up(void **state)
{
	struct proc_cgroup c;

	(void)state;
	put("/pod", "memory.max", "268435456\n");
	put("/pod", "memory.high", "max\n");
	put("/pod", "memory.current", "209715200\n");
	put("/pod", "memory.stat",
	    "anon 100000\nfile 41943040\ninactive_file 31457280\n"
	    "active_file 10485760\nshmem 0\n");
	put("/pod/app", "memory.max", "536870912\n");
	put("/pod/app", "memory.high", "402653184\n");
	put("/pod/app", "memory.current", "104857600\n");
	put("/pod/app", "memory.stat",
	    "anon 83886080\nfile 20971520\nshmem 4194304\ninactive_file 10485760\nactive_file 0\n");
	put("/pod/app", "memory.swap.max", "0\n");
	put("/pod", "memory.swap.max", "0\n");
	put("/pod/app", "memory.events", "low 0\nhigh 3\nmax 2\noom 1\noom_kill 7\n");
	proc_cgroup_read(root, "/pod/app", 2, &c);
	assert_int_equal(c.version, 2);
	assert_string_equal(c.path, "/pod/app");
	assert_int_equal(c.current, 100 * MIB);
	assert_int_equal(c.anon, 80 * MIB);
	assert_int_equal(c.file, 16 * MIB);
	assert_int_equal(c.oom_kills, 7);
	assert_int_equal(c.high, 384 * MIB);
	assert_string_equal(c.tight_path, "/pod");
	assert_int_equal(c.limit, 256 * MIB);
	assert_int_equal(c.left_low, 56 * MIB + 30 * MIB);
	assert_int_equal(c.left_high, 56 * MIB + 40 * MIB);
	assert_int_equal(c.unread, 0);
	/* and the limit moves while running */
	put("/pod/app", "memory.max", "106954752\n");
	proc_cgroup_read(root, "/pod/app", 2, &c);
	assert_string_equal(c.tight_path, "/pod/app");
	assert_int_equal(c.limit, 102 * MIB);
	assert_int_equal(c.left_low, 12 * MIB);
}

static void version_1_knows_its_own_names(void **state)
{
	struct proc_cgroup c;

	(void)state;
	put("/v1", "memory.limit_in_bytes", "134217728\n");
	put("/v1", "memory.memsw.limit_in_bytes", "134217728\n");
	put("/v1", "memory.memsw.usage_in_bytes", "104857600\n");
	put("/v1", "memory.usage_in_bytes", "104857600\n");
	put("/v1", "memory.stat",
	    "cache 1\ntotal_cache 20971520\ntotal_rss 73400320\ntotal_shmem 1048576\n"
	    "total_inactive_file 5242880\ntotal_active_file 1048576\n");
	put("/v1", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	put("", "memory.limit_in_bytes", "9223372036854771712\n");
	put("", "memory.usage_in_bytes", "904857600\n");
	proc_cgroup_read(root, "/v1", 1, &c);
	assert_int_equal(c.version, 1);
	assert_int_equal(c.anon, 70 * MIB);
	assert_int_equal(c.file, 19 * MIB);
	assert_int_equal(c.oom_kills, 2);
	assert_int_equal(c.limit, 128 * MIB);
	assert_int_equal(c.left_low, 33 * MIB);
	assert_int_equal(c.left_high, 34 * MIB);
	assert_int_equal(c.high, PROC_UNKNOWN);
}

/* Only clean pages of the inactive page cache can be given up at once. */
static void dirty_pages_are_no_room(void **state)
{
	static const struct {
		const char *stat;
		uint64_t room;
	} v2[] = {{"inactive_file 8388608\nfile_dirty 0\nfile_writeback 0\n", 18},
		  {"inactive_file 8388608\nfile_dirty 2097152\nfile_writeback 1048576\n", 15},
		  {"inactive_file 8388608\nfile_dirty 2097152\n", 16},
		  {"inactive_file 8388608\nfile_dirty 9388608\nfile_writeback 4096\n", 10},
		  {"inactive_file 8388608\nfile_dirty 0\nfile_writeback 8388608\n", 10}},
	  v1[] = {{"inactive_file 1\ndirty 8388608\ntotal_inactive_file 8388608\n", 18},
		  {"total_inactive_file 8388608\ntotal_dirty 2097152\ntotal_writeback 1048576\n",
		   15}};
	struct proc_cgroup c;

	(void)state;
	put("/dirty", "memory.max", "104857600\n");
	put("/dirty", "memory.current", "94371840\n");
	put("/dirty", "memory.swap.max", "0\n");
	put("/dirty", "memory.limit_in_bytes", "104857600\n");
	put("/dirty", "memory.usage_in_bytes", "94371840\n");
	put("/dirty", "memory.memsw.limit_in_bytes", "104857600\n");
	for (size_t i = 0; i < ARRAY_SIZE(v2); i++) {
		put("/dirty", "memory.stat", v2[i].stat);
		proc_cgroup_read(root, "/dirty", 2, &c);
		assert_int_equal(c.room, v2[i].room * MIB);
		assert_int_equal(c.left_low, 18 * MIB);
	}
	for (size_t i = 0; i < ARRAY_SIZE(v1); i++) {
		put("/dirty", "memory.stat", v1[i].stat);
		proc_cgroup_read(root, "/dirty", 1, &c);
		assert_int_equal(c.room, v1[i].room * MIB);
	}
}

/* Page cache that is used again and names of files come near no limit, however many they are. */
static void caches_that_grow_are_no_growth(void **state)
{
	static const char *const stat[] = {
		"inactive_file 1048576\nactive_file 0\nslab_reclaimable 0\n",
		"inactive_file 2097152\nactive_file 5242880\nslab_reclaimable 3145728\n"};
	static const char *const current[] = {"20971520\n", "30408704\n"}; /* + 1 + 5 + 3 MiB */
	struct proc_cgroup c;

	(void)state;
	put("/cache", "memory.max", "104857600\n");
	put("/cache", "memory.swap.max", "0\n");
	for (size_t i = 0; i < ARRAY_SIZE(stat); i++) {
		put("/cache", "memory.current", current[i]);
		put("/cache", "memory.stat", stat[i]);
		proc_cgroup_read(root, "/cache", 2, &c);
		assert_float_equal(proc_limit_used(&(struct proc_limit){.limit = c.limit,
									.left_high = c.left_high}),
				   19 * MIB, 1);
	}
	assert_int_equal(c.left_low, 73 * MIB);
}

/* A group has its memory.high, and those above it have theirs. */
static void each_high_is_compared_with_its_own_group(void **state)
{
	struct proc_cgroup c;

	(void)state;
	put("/team", "memory.current", "104857600\n");
	put("/team/app", "memory.current", "10485760\n");
	put("/team/app", "memory.high", "max\n");
	proc_cgroup_read(root, "/team/app", 2, &c);
	assert_int_equal(c.below_high, PROC_UNKNOWN);
	put("/team", "memory.high", "106954752\n");
	proc_cgroup_read(root, "/team/app", 2, &c);
	assert_int_equal(c.below_high, 2 * MIB);
	put("/team/app", "memory.high", "11534336\n");
	proc_cgroup_read(root, "/team/app", 2, &c);
	assert_int_equal(c.below_high, MIB);
	put("/team", "memory.high", "1048576\n");
	proc_cgroup_read(root, "/team/app", 2, &c);
	assert_int_equal(c.below_high, 0);
}

static void files_that_make_no_sense_are_named_not_believed(void **state)
{
	static const char *const odd[] = {"", "-5\n", "12 34\n", "many\n", "99x\n"};
	struct proc_cgroup c;
	char path[256];

	(void)state;
	put("/odd", "memory.current", "1048576\n");
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		put("/odd", "memory.max", odd[i]);
		proc_cgroup_read(root, "/odd", 2, &c);
		assert_int_equal(c.limit, PROC_UNKNOWN);
		assert_int_equal(c.unread, 1);
		assert_non_null(strstr(c.unread_path, "/odd/memory.max"));
	}
	/* what can be opened and not be read */
	snprintf(path, sizeof(path), "%s/odd/memory.max", root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	proc_cgroup_read(root, "/odd", 2, &c);
	assert_int_equal(c.limit, PROC_UNKNOWN);
	assert_int_equal(c.unread, 1);
	proc_cgroup_read(root, "/is/not/there", 2, &c);
	assert_int_equal(c.limit, PROC_UNKNOWN);
	assert_int_equal(c.current, PROC_UNKNOWN);
}

/* A child with a limit on its address space, and nothing else on this machine as near. */
static void an_rlimit_is_found_and_said_to_refuse(void **state)
{
	struct proc_cgroup none = {.limit = PROC_UNKNOWN};
	struct proc_limit v[PROC_LIMITS];
	struct rlimit r = {64 * MIB, 64 * MIB};
	struct proc_memory m;
	struct proc *p;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		setrlimit(RLIMIT_AS, &r);
		r.rlim_cur = r.rlim_max = 111;
		setrlimit(RLIMIT_NOFILE, &r);
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_int_equal(proc_open(pid, &p), 0);
	assert_int_equal(proc_memory(p, &m), 0);
	assert_true(proc_limits(p, &m, &none, v) >= 2);
	assert_int_equal(v[0].kind, PROC_LIMIT_RLIMIT);
	assert_string_equal(v[0].name, "RLIMIT_AS");
	assert_true(v[0].refuses);
	assert_int_equal(v[0].limit, 64 * MIB);
	assert_int_equal(v[0].left_low, 64 * MIB - m.size_bytes);
	assert_int_equal(v[1].kind, PROC_LIMIT_RAM);
	assert_int_equal(proc_rlimit(p, "Max open files"), 111);
	assert_int_equal(proc_rlimit(p, "Max nonsense"), PROC_UNKNOWN);
	proc_close(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void rollup_and_usage_of_ourselves(void **state)
{
	struct proc_rollup ru;
	struct proc_usage u, again;
	struct proc *p;
	int pair[2];

	(void)state;
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(proc_rollup(p, &ru), 0);
	assert_true(ru.rss >= ru.pss && ru.pss > 0 && ru.anon > 0);
	assert_true(ru.shared + ru.private_clean + ru.private_dirty == ru.rss);
	assert_int_equal(proc_usage(p, &u), 0);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(proc_usage(p, &again), 0);
	assert_int_equal(again.fds, u.fds + 2);
	assert_true(again.minor_faults >= u.minor_faults && u.minor_faults > 0);
	close(pair[0]);
	close(pair[1]);
	proc_close(p);
}

static void eta_is_an_interval_around_the_plain_division(void **state)
{
	struct eta_growth g = {.slow = 1e6, .fast = 1e6};
	struct report_memory m;

	(void)state;
	report_memory_init(&m);
	m.left_low = m.left_high = 100e6;
	eta_predict(&g, &m);
	assert_true(isnan(m.eta_s)); /* no limit, no end */
	m.limit_source = "cgroup";
	eta_predict(&g, &m);
	assert_true(m.eta_s == 100);
	assert_true(m.eta_low_s < 95 && m.eta_low_s > 85);
	assert_true(m.eta_high_s > 105 && m.eta_high_s < 120);
	/* a tenth: twice what a leak's pace wavers by */
	assert_float_equal(m.eta_low_s, 100 / 1.1, 0.01);
	assert_float_equal(m.eta_high_s, 100 / 0.9, 0.01);
	/* nobody is served by a date beyond a year */
	m.left_low = m.left_high = 0.85 * 365 * 86400e6;
	eta_predict(&g, &m);
	assert_true(m.eta_s > 0);
	m.left_low = m.left_high = 1.15 * 365 * 86400e6;
	eta_predict(&g, &m);
	assert_true(isnan(m.eta_s));
	m.left_low = m.left_high = 100e6;
	/* page cache that may or may not be given up, free blocks that may be filled */
	m.left_high = 150e6;
	g.reusable = 50e6;
	eta_predict(&g, &m);
	assert_true(m.eta_low_s < 95 && m.eta_high_s > 210 && m.eta_s == 150);
	/* a slope that may be none has no upper end */
	g.error = 0.6e6;
	eta_predict(&g, &m);
	assert_true(isnan(m.eta_high_s) && m.eta_low_s < 50);
	/* nothing grows: nothing is said */
	report_memory_init(&m);
	m.limit_source = "ram";
	m.left_low = m.left_high = 1e9;
	g.slow = g.fast = 0;
	eta_predict(&g, &m);
	assert_true(isnan(m.eta_s) && isnan(m.eta_low_s));
}

/* One of two measures of the growth that is far below the other sees a part only. */
static void a_partial_measure_is_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct trend_fit fit[] = {
			{.growing = true, .slope = 1e6},
			{.growing = true, .slope = 1e6 / (3 * (i ? 1.15 : 0.85))}};
		struct report_memory m;

		report_memory_init(&m);
		m.limit_source = "ram";
		m.left_low = m.left_high = 100e6;
		judge_limit(fit, 2, 0, 0, 0, &m);
		assert_int_equal(m.eta_s < 110, i);
	}
}

/* In whichever order they come, and though one in between is not far below the fastest. */
static void all_measures_are_held_against_the_fastest(void **state)
{
	static const double slope[][3] = {{1, 2.9, 8}, {2.9, 1, 8}, {8, 2.9, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(slope); i++) {
		struct trend_fit fit[3];
		struct report_memory m;

		for (size_t k = 0; k < 3; k++)
			fit[k] = (struct trend_fit){.growing = true,
						    .slope = slope[i][k],
						    .error = slope[i][k] < 2 ? 1 : 0};
		report_memory_init(&m);
		m.limit_source = "ram";
		m.left_low = m.left_high = 100;
		judge_limit(fit, 3, 0, 0, 0, &m);
		assert_float_equal(m.eta_high_s, 100 / (2.9 - 2 * 0.05 * 8), 1e-6);
		judge_limit(fit, 2, 0, 8, 8, &m);
		assert_true(m.eta_low_s < 100 / 8.0 && m.eta_low_s > 100 / 9.0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2_finds_the_tightest_group_on_the_way_up),
		cmocka_unit_test(version_1_knows_its_own_names),
		cmocka_unit_test(dirty_pages_are_no_room),
		cmocka_unit_test(caches_that_grow_are_no_growth),
		cmocka_unit_test(each_high_is_compared_with_its_own_group),
		cmocka_unit_test(a_partial_measure_is_left_out),
		cmocka_unit_test(all_measures_are_held_against_the_fastest),
		cmocka_unit_test(files_that_make_no_sense_are_named_not_believed),
		cmocka_unit_test(an_rlimit_is_found_and_said_to_refuse),
		cmocka_unit_test(rollup_and_usage_of_ourselves),
		cmocka_unit_test(eta_is_an_interval_around_the_plain_division),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}

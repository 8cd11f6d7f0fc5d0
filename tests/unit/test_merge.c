/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports as one: what is summed, what is of one process alone, and what nobody knows. */
#include <math.h>

#include "report/merge.h"
#include "report/notes.h"
#include "unit.h"

#define ID  "00000000000000aa"
#define MIB 1048576ull

/* A report of processes of which nothing is known but their numbers. */
static struct report *report_of(size_t n)
{
	struct report *r;

	assert_int_equal(report_new(&r), 0);
	r->hostname = "web";
	r->processes = report_alloc(r, (n + 1) * sizeof(*r->processes));
	assert_non_null(r->processes);
	r->n_processes = n;
	for (size_t i = 0; i < n; i++) {
		r->processes[i] = (struct report_process){.pid = (int)i + 1,
							  .rss_bytes = REPORT_UNKNOWN,
							  .rss_growth_bytes_per_s = NAN,
							  .on_s = 0,
							  .coverage = 0,
							  .slowdown_pct = NAN,
							  .core_pct = NAN,
							  .stall_ms = NAN,
							  .stalls_per_s = NAN,
							  .verdict = CLASS_STEADY,
							  .confidence = NAN};
		report_memory_init(&r->processes[i].memory);
	}
	return r;
}

static struct report *merged(struct report *r)
{
	struct report *all;

	assert_int_equal(report_merge(&r, 1, false, &all), 0);
	return all;
}

/* In whatever order they come. */
static void the_sentence_goes_with_the_worst_verdict(void **state)
{
	static const struct report_site of_process[3] = {
		{.id = ID, .verdict = CLASS_WARMUP, .confidence = 0.9, .reason = "has stopped"},
		{.id = ID,
		 .verdict = CLASS_LEAK,
		 .confidence = 0.8,
		 .reason = "grew",
		 .growth_bytes_per_s = 500,
		 .hint = {"unbounded-container", "Bound it."}},
		{.id = ID,
		 .verdict = CLASS_GROWING,
		 .confidence = 0.3,
		 .reason = "too early",
		 .growth_bytes_per_s = 1000,
		 .hint = {"other", "Wait."}},
	};

	(void)state;
	for (size_t first = 0; first < 3; first++) {
		struct report_site site[3];
		struct report *r = report_of(3), *all;
		const struct report_site *s;

		for (size_t i = 0; i < 3; i++) {
			site[i] = of_process[(first + i) % 3];
			r->processes[i].sites = &site[i];
			r->processes[i].n_sites = 1;
		}
		all = merged(r);
		assert_int_equal(all->processes[0].n_sites, 1);
		s = all->processes[0].sites;
		assert_int_equal(s->verdict, CLASS_LEAK);
		assert_string_equal(s->reason, "grew");
		assert_string_equal(s->hint.code, "unbounded-container");
		assert_true(fabs(s->confidence - 0.8) < 1e-9);
		assert_true(fabs(s->growth_bytes_per_s - 1500) < 1e-9);
		report_free(all);
	}
}

/* They are not said to be steady where nothing is known, as by a census. */
static void too_early_for_all_is_too_early(void **state)
{
	(void)state;
	for (size_t early = 2; early <= 3; early++) {
		struct report *r = report_of(3), *all;

		for (size_t i = 0; i < 3; i++) {
			report_too_early(&r->processes[i]);
			if (i >= early)
				r->processes[i].confidence = 0.5;
		}
		all = merged(r);
		assert_int_equal(report_is_too_early(&all->processes[0]), early == 3);
		assert_non_null(strstr(all->processes[0].reason,
				       early == 3 ? ": too early;" : ": steady;"));
		report_free(all);
	}
}

/* Workers that are replaced before anybody can judge them, and leak. */
static void steady_is_not_said_of_those_that_nobody_judged(void **state)
{
	(void)state;
	for (size_t early = 1; early <= 5; early++) {
		struct report *r = report_of(5), *all;
		const struct report_process *p;

		for (size_t i = 0; i < 5; i++)
			r->processes[i].confidence = 0.5;
		for (size_t i = 0; i < early; i++) {
			report_too_early(&r->processes[i]);
			r->processes[i].exited = true;
			r->processes[i].rss_growth_bytes_per_s = i ? NAN : 2048;
		}
		all = merged(r);
		p = all->processes;
		assert_int_equal(p->unjudged, early);
		assert_int_equal(p->unjudged_bytes_per_s, 2048);
		assert_int_equal(report_is_too_early(p), early > 2);
		if (early == 2)
			assert_string_equal(p->reason,
					    "3 of 5 processes on 1 host: steady; 2 were not "
					    "watched for long enough to "
					    "be judged, and grew by up to 2.0 KiB/s meanwhile");
		if (early == 4)
			assert_string_equal(p->reason, "4 of 5 processes on 1 host: too early; "
						       "first pid 1 () on web; 4 were not watched "
						       "for long enough to be judged, and grew by "
						       "up to 2.0 KiB/s meanwhile");
		report_free(all);
	}
}

/* A leak is told as one, and so are those of which nothing is known. */
static void a_leak_hides_none_that_nobody_judged(void **state)
{
	struct report *r = report_of(3), *all;

	(void)state;
	report_too_early(&r->processes[0]);
	r->processes[1].verdict = CLASS_LEAK;
	r->processes[1].confidence = 0.8;
	all = merged(r);
	assert_string_equal(all->processes->reason, "1 of 3 processes on 1 host: leak; first pid 2 "
						    "() on web; 1 was not watched for long "
						    "enough to be judged");
	report_free(all);
}

/* A master that only waits is watched at a cost that is all of its CPU time, and nothing beside its
 * workers'. */
static void what_watching_costs_is_weighed_by_cpu(void **state)
{
	static const double slowdown[] = {100, 10, 20}, core[] = {0.05, 1, 1};
	struct report *r = report_of(3), *all;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		r->processes[i].slowdown_pct = slowdown[i];
		r->processes[i].core_pct = core[i];
	}
	all = merged(r);
	/* of 0.05, 10 and 5 % of a core */
	assert_true(fabs(all->processes->slowdown_pct - 2.05 / 0.1505) < 1e-9);
	report_free(all);
}

/* Workers that are replaced: three that lived for 10 s each cost what one does that lives for 30 s.
 */
static void what_watching_costs_is_summed_over_the_time(void **state)
{
	struct report_series alive[] = {{.t_s = 0}, {.t_s = 10}};
	struct report *r = report_of(4), *all;

	(void)state;
	r->duration_s = 30;
	for (size_t i = 0; i < 4; i++) {
		r->processes[i].core_pct = 1.5;
		r->processes[i].slowdown_pct = i ? 10 : 5;
		r->processes[i].series = i ? alive : NULL;
		r->processes[i].n_series = i ? ARRAY_SIZE(alive) : 0;
	}
	all = merged(r);
	assert_true(fabs(all->processes->core_pct - 3) < 1e-9);
	/* of 30 and three times 5 % of a core */
	assert_true(fabs(all->processes->slowdown_pct - 100 * 3 / 45.0) < 1e-9);
	report_free(all);
}

/* Probed for 10 s, an hour ago: its history goes on to now, the watching does not. */
static void a_point_behind_the_probing_is_not_watched(void **state)
{
	struct report_series turn[] = {
		{.t_s = 0}, {.t_s = 10}, {.t_s = 3610, .threads = REPORT_UNKNOWN}};
	struct report *r = report_of(1), *all;

	(void)state;
	r->duration_s = 4000;
	r->processes[0].core_pct = 2;
	r->processes[0].series = turn;
	r->processes[0].n_series = ARRAY_SIZE(turn);
	all = merged(r);
	assert_true(fabs(all->processes->core_pct - 0.005) < 1e-9);
	report_free(all);
}

static void the_only_one_keeps_its_sentence(void **state)
{
	struct report *r = report_of(1), *all;

	(void)state;
	r->processes->verdict = CLASS_LEAK;
	r->processes->reason = "objects allocated at app.py:3 grew";
	all = merged(r);
	assert_string_equal(all->processes->reason, "objects allocated at app.py:3 grew");
	report_free(all);
}

static struct report *three_in_a_group(void)
{
	struct report *r = report_of(3);

	for (size_t i = 0; i < 2; i++) {
		struct report_process *p = &r->processes[i];

		p->rss_bytes = 100 * MIB;
		p->memory.anon = 60 * MIB;
		p->memory.swap = (i + 1) * MIB;
		p->memory.minor_faults_per_s = 5;
		p->memory.limit_source = "cgroup";
		p->memory.limit_name = i ? "cgroup /b" : "cgroup /a";
		p->memory.limit_bytes = (i + 1) * 1000 * MIB;
		p->memory.left_low = 7;
		p->memory.eta_s = i ? 50 : 900;
	}
	for (size_t i = 0; i < 3; i++)
		r->processes[i].memory.cgroup =
			(struct report_cgroup){.version = 2, .path = "/a", .current = 300 * MIB};
	return r;
}

static void memory_is_summed_and_the_nearest_limit_kept(void **state)
{
	struct report *all = merged(three_in_a_group()), *r;
	const struct report_process *p = all->processes;
	const struct report_memory *m = &p->memory;

	(void)state;
	assert_int_equal(p->rss_bytes, 200 * MIB);
	assert_int_equal(m->anon, 120 * MIB);
	assert_int_equal(m->swap, 3 * MIB);
	assert_true(fabs(m->minor_faults_per_s - 10) < 1e-9);
	assert_true(m->pss == REPORT_UNKNOWN && m->huge == REPORT_UNKNOWN);
	assert_true(isnan(m->major_faults_per_s));
	assert_string_equal(m->limit_name, "cgroup /b");
	assert_int_equal(m->limit_bytes, 2000 * MIB);
	assert_true(fabs(m->eta_s - 50) < 1e-9);
	/* one group of one host, that all are in: it is not three times as large */
	assert_int_equal(m->cgroup.current, 300 * MIB);
	report_free(all);
	r = three_in_a_group();
	r->processes[1].memory.cgroup.path = "/b";
	all = merged(r);
	assert_int_equal(all->processes[0].memory.cgroup.version, 0);
	report_free(all);
}

/* Descriptors are no sum: each process that runs has a limit of its own. */
static void descriptors_are_of_the_one_that_runs_out_first(void **state)
{
	static const double eta_s[] = {900, 50, NAN, 70, 30};
	struct report *all, *r = report_of(5);
	const struct report_fds *f;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		r->processes[i].fds =
			(struct report_fds){.means = "libc", .open = 10 + i, .eta_s = eta_s[i]};
	r->processes[4].exited = true;
	all = merged(r);
	for (int again = 0; again < 2; again++) {
		f = &all->processes->fds;
		assert_int_equal(f->of_pid, 2);
		assert_string_equal(f->of_host, "web");
		assert_int_equal(f->open, 11);
		assert_true(fabs(f->eta_s - 50) < 1e-9);
		all = merged(all); /* of a report that is merged already, too */
	}
	report_free(all);
	r = report_of(1);
	r->processes->fds = (struct report_fds){.means = "libc", .open = 3, .eta_s = NAN};
	all = merged(r);
	assert_null(all->processes->fds.means);
	report_free(all);
}

/* Two that grow on one host of @ram, each alone for 300 s, and one in a cgroup. */
static struct report *two_of_ram(double of_cgroup_s)
{
	struct report *r = report_of(5);

	for (size_t i = 0; i < 5; i++) {
		struct report_memory *m = &r->processes[i].memory;

		m->limit_source = i == 1 ? "cgroup" : "ram";
		m->limit_name = i == 1 ? "cgroup /a" : "RAM";
		m->left_low = 1000;
		m->eta_s = i == 1 ? of_cgroup_s : i < 3 ? 300 : i == 3 ? NAN : 1;
		m->eta_low_s = m->eta_s / 2;
		m->eta_high_s = i == 2 ? NAN : m->eta_s * 2;
	}
	r->processes[4].exited = true;
	return r;
}

static void all_of_a_host_take_of_one_ram(void **state)
{
	struct report *in[2] = {two_of_ram(200), two_of_ram(200)}, *all = merged(two_of_ram(200));
	const struct report_memory *m = &all->processes->memory;

	(void)state;
	assert_string_equal(m->limit_source, "ram");
	assert_true(fabs(m->eta_s - 150) < 1e-9 && fabs(m->eta_low_s - 75) < 1e-9);
	/* no end is known for the second: it comes as soon as the first one's at least */
	assert_true(fabs(m->eta_high_s - 600) < 1e-9);
	report_free(all);
	/* another host has its own, and a merged report is not taken apart again */
	in[1]->hostname = "db";
	assert_int_equal(report_merge(in, 2, false, &all), 0);
	assert_true(fabs(all->processes->memory.eta_s - 150) < 1e-9);
	in[0] = all;
	in[1] = two_of_ram(200);
	in[1]->hostname = all->hostname;
	assert_int_equal(report_merge(in, 2, false, &all), 0);
	assert_true(fabs(all->processes->memory.eta_s - 150) < 1e-9);
	report_free(all);
	/* what is met first is told */
	all = merged(two_of_ram(100));
	assert_string_equal(all->processes->memory.limit_source, "cgroup");
	assert_true(fabs(all->processes->memory.eta_s - 100) < 1e-9);
	report_free(all);
}

static void the_groups_of_two_hosts_are_not_one(void **state)
{
	struct report *in[] = {three_in_a_group(), three_in_a_group()}, *all;

	(void)state;
	in[1]->hostname = "db";
	assert_int_equal(report_merge(in, 2, false, &all), 0);
	assert_int_equal(all->processes[0].n_members, 6);
	assert_int_equal(all->processes[0].memory.cgroup.version, 0);
	report_free(all);
}

static void those_that_were_not_watched_are_summed(void **state)
{
	struct report *in[] = {report_of(1), report_of(1), report_of(0)}, *all;

	(void)state;
	in[0]->not_watched = 2;
	in[0]->not_watched_why = "it is of another kind";
	in[2]->not_watched = 1;
	assert_int_equal(report_merge(in, 3, false, &all), 0);
	assert_int_equal(all->not_watched, 3);
	assert_string_equal(all->not_watched_why, "it is of another kind");
	report_free(all);
}

static struct report *of_time(struct report *r, double from, double to)
{
	r->started_at = from;
	r->ended_at = to;
	r->duration_s = to - from;
	r->not_watched = (uint64_t)from / 100;
	return r;
}

/* Rates of Monday have no date of Tuesday. */
static void reports_that_do_not_count_give_no_times(void **state)
{
	static const char *const notes[] = {
		"a newer merged report is left out: an older one has all its processes",
		"pid 1 on web: also in a merged report, which counts, though it is older",
	};
	struct report *in[3] = {of_time(report_of(2), 100, 200)}, *all;
	const struct report_process *p;

	(void)state;
	in[0] = merged(in[0]);
	in[1] = of_time(report_of(1), 300, 900);
	in[2] = merged(of_time(report_of(1), 300, 900));
	assert_int_equal(report_merge(in, 3, false, &all), 0);
	p = all->processes;
	assert_int_equal(p->n_members, 2);
	assert_true(all->started_at == 100 && all->ended_at == 200 && all->duration_s == 100);
	assert_int_equal(all->not_watched, 1);
	assert_int_equal(p->n_notes, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(p->notes[i], notes[i]);
	report_free(all);
	/* the last report of a process is the one that counts, and one of no process, too */
	in[0] = of_time(report_of(1), 100, 200);
	in[1] = of_time(report_of(1), 300, 900);
	in[2] = of_time(report_of(0), 200, 250);
	assert_int_equal(report_merge(in, 3, false, &all), 0);
	assert_true(all->started_at == 200 && all->ended_at == 900 && all->duration_s == 600);
	assert_int_equal(all->not_watched, 5);
	report_free(all);
}

/* Behind the name of a process a cause is that of its note alone. */
static void a_cause_is_told_again_where_it_must(void **state)
{
	const char *notes[] = {
		"births are not watched: no room",
		"blocks are not traced: no room",
		"pid 12 on alpha: births are not watched: no room",
		"pid 13 on beta: births are not watched: no room",
	};
	struct report_process p = {.notes = notes, .n_notes = 4};
	char buf[48], few[40];

	(void)state;
	assert_string_equal(report_note_text(&p, 0, buf, sizeof(buf)), notes[0]);
	assert_string_equal(report_note_text(&p, 1, buf, sizeof(buf)),
			    "blocks are not traced: for the same reason");
	assert_ptr_equal(report_note_text(&p, 1, few, sizeof(few)), notes[1]);
	p.n_members = 2;
	assert_string_equal(report_note_text(&p, 3, buf, sizeof(buf)), notes[3]);
}

static void what_nobody_knows_stays_unknown(void **state)
{
	struct report_lost lost[] = {{"a", "a", REPORT_UNKNOWN}, {"a", "a", 3}};
	struct report *r = report_of(2), *all = merged(r);
	const struct report_process *p = all->processes;

	(void)state;
	assert_true(p->rss_bytes == REPORT_UNKNOWN && p->memory.anon == REPORT_UNKNOWN);
	assert_true(isnan(p->rss_growth_bytes_per_s) && isnan(p->slowdown_pct));
	assert_true(isnan(p->coverage));
	report_free(all);
	/* one was probed: the other takes nothing from its numbers */
	r = report_of(2);
	r->processes[1].on_s = 2;
	r->processes[1].coverage = 0.5;
	r->processes[1].slowdown_pct = 1.5;
	r->processes[1].rss_growth_bytes_per_s = 10;
	for (size_t i = 0; i < 2; i++) {
		r->processes[i].lost = &lost[i];
		r->processes[i].n_lost = 1;
	}
	all = merged(r);
	p = all->processes;
	assert_true(fabs(p->coverage - 0.5) < 1e-9 && fabs(p->slowdown_pct - 1.5) < 1e-9);
	assert_true(fabs(p->rss_growth_bytes_per_s - 10) < 1e-9);
	assert_true(p->lost[0].n == REPORT_UNKNOWN);
	report_free(all);
}

static void of_none_is_none(void **state)
{
	struct report *all = merged(report_of(0));

	(void)state;
	assert_int_equal(all->n_processes, 0);
	report_free(all);
}

/* A host whose tool is older, or whose source files cannot be read. */
static void ids_of_another_kind_are_joined_by_line(void **state)
{
	static const struct report_frame f[] = {
		{.function = "add", .file = "/srv/app.py", .line = 4, .place = 3},
		{.function = "add", .file = "/srv/app.py", .line = 5, .place = 7}};
	struct report *r = report_of(2), *all;
	struct report_site *v = report_alloc(r, 4 * sizeof(*v));

	(void)state;
	assert_non_null(v);
	for (size_t i = 0; i < 4; i++) {
		v[i] = (struct report_site){.growth_bytes_per_s = 100,
					    .stack = (struct report_frame *)&f[i % 2],
					    .n_frames = 1,
					    .id_by = i < 2 ? "source" : NULL};
		if (i < 2)
			report_site_id(v[i].stack, 1, KIND_OBJECT, v[i].id);
		else
			report_line_id(&v[i], v[i].id);
		r->processes[i / 2].sites = v + i / 2 * 2;
		r->processes[i / 2].n_sites = 2;
	}
	all = merged(r);
	assert_int_equal(all->processes->n_sites, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(all->processes->sites[i].processes, 2);
	report_free(all);
}

/* Two processes, the first of which has a cause of many small sites, and each one big site. */
static struct report *one_of_many_places(void)
{
	static struct report_site site[3];
	struct report *r = report_of(2);

	for (size_t i = 0; i < ARRAY_SIZE(site); i++) {
		site[i] = (struct report_site){.verdict = CLASS_LEAK,
					       .confidence = 0.8,
					       .growth_bytes_per_s = i ? 5000 : 98,
					       .growth_count_per_s = 1};
		snprintf(site[i].id, sizeof(site[i].id), "%016zx", i + 1);
	}
	site[0].unlisted = 3749;
	site[0].unlisted_bytes_per_s = 250000;
	site[0].unlisted_count_per_s = 3749;
	site[0].unlisted_bytes = 15 * MIB;
	r->processes[0].sites = site;
	r->processes[0].n_sites = 2;
	r->processes[1].sites = &site[2];
	r->processes[1].n_sites = 1;
	return r;
}

static void a_cause_of_many_places_comes_first(void **state)
{
	struct report *all = merged(one_of_many_places());
	const struct report_site *s = all->processes->sites;

	(void)state;
	assert_int_equal(all->processes->n_sites, 3);
	assert_int_equal(s[0].unlisted, 3749);
	assert_int_equal(s[0].unlisted_bytes_per_s, 250000);
	report_free(all);
}

/* A process has ended, another one runs on. */
static void what_has_ended_grows_no_more(void **state)
{
	struct report *r = one_of_many_places(), *all;
	const struct report_site *s;

	(void)state;
	r->processes[0].exited = true;
	all = merged(r);
	s = all->processes->sites;
	assert_true(s[0].growth_bytes_per_s == 5000);
	for (size_t i = 0; i < all->processes->n_sites; i++)
		assert_true(!s[i].unlisted_bytes_per_s && !s[i].unlisted_count_per_s);
	report_free(all);
}

static void who_goes_on_has_not_ended(void **state)
{
	static const char exec[] = "runs another program now";
	static const struct {
		const char *first, *want;
		size_t n;
		bool runs;
	} rows[] = {
		{exec, exec, 1, false},
		{NULL, NULL, 1, false},
		{exec, "not watched any more", 2, false},
		{NULL, NULL, 2, false},
		{exec, NULL, 2, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report *r = report_of(rows[i].n), *all;

		for (size_t k = 0; k < rows[i].n; k++)
			r->processes[k].exited = !k || !rows[i].runs;
		r->processes[0].goes_on = rows[i].first;
		all = merged(r);
		assert_int_equal(all->processes->exited, !rows[i].runs);
		if (rows[i].want)
			assert_string_equal(all->processes->goes_on, rows[i].want);
		else
			assert_null(all->processes->goes_on);
		report_free(all);
	}
}

/* The error of a sum is that of what few samples tell. One that grows no more has none, and of one
 * whose samples are not known the sum's are not. */
static void few_samples_of_one_leave_the_sum_unsure(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct report *r = one_of_many_places(), *all;
		struct report_site *s = r->processes[0].sites;

		s[2] = s[1];
		s[1].growth_count_per_s = s[2].growth_count_per_s = 100;
		s[1].independent = i == 1 ? 4 : 100;
		s[2].independent = i == 1 ? 100 : i == 2 ? 100 : i == 3 ? NAN : 4;
		s[1].samples = i == 3 ? REPORT_UNKNOWN : 300;
		s[2].samples = i == 1 ? REPORT_UNKNOWN : 200;
		r->processes[0].exited = i == 2;
		all = merged(r);
		s = &all->processes->sites[i != 2];
		assert_string_equal(s->id, "0000000000000002");
		assert_int_equal(isnan(s->independent), i == 3);
		if (i < 3)
			assert_float_equal(s->independent, i < 2 ? 200 * 200 / (100 + 2500.0) : 100,
					   1e-6);
		assert_true(s->samples == (i % 2 ? REPORT_UNKNOWN : 500));
		report_free(all);
	}
}

/* Workers of one line, @first of them started by another one: other stacks, other sites. */
static struct report *of_one_line(size_t n, size_t first, struct report_frame (*stack)[2])
{
	struct report *r = report_of(n);
	struct report_site *v = report_alloc(r, n * sizeof(*v));

	assert_non_null(v);
	for (size_t i = 0; i < n; i++) {
		stack[i][0] =
			(struct report_frame){.function = "app", .file = "/srv/wsgi.py", .line = 4};
		stack[i][1] = (struct report_frame){.function = "run",
						    .file = "/srv/arbiter.py",
						    .line = i < first ? 211 : 202};
		v[i] = (struct report_site){.verdict = CLASS_GROWING,
					    .growth_bytes_per_s = 100,
					    .growth_count_per_s = 1,
					    .stack = stack[i],
					    .n_frames = 2};
		report_site_id(v[i].stack, 2, KIND_OBJECT, v[i].id);
		r->processes[i].sites = v + i;
		r->processes[i].n_sites = 1;
	}
	return r;
}

static void one_line_is_one_finding(void **state)
{
	struct report_frame stack[3][2];
	struct report *r = of_one_line(3, 2, stack), *all;
	const struct report_site *s;

	(void)state;
	r->processes[2].exited = true;
	all = merged(r);
	s = all->processes->sites;
	assert_int_equal(all->processes->n_sites, 2);
	assert_null(s[0].part_of);
	assert_true(s[0].growth_bytes_per_s == 200 && s[1].growth_bytes_per_s == 0);
	assert_string_equal(s[1].part_of, s[0].id);
	report_free(all);
}

/* The first of them has places that it does not list, and grows less than the other by itself. */
static void places_that_are_not_listed_stay_in_the_sum(void **state)
{
	struct report_frame stack[2][2];
	struct report *r = of_one_line(2, 1, stack), *all;
	struct report_site *s = r->processes[0].sites;

	(void)state;
	for (size_t few = 0; few < 2; few++) {
		s->unlisted = few ? 2 : 3749;
		s->unlisted_bytes_per_s = few ? 50 : 250000;
		s->growth_bytes_per_s = few ? 20 : 98;
		all = merged(r);
		assert_int_equal(all->processes->n_sites, 2);
		for (size_t i = 0; i < 2; i++) {
			const struct report_site *t = &all->processes->sites[i];

			assert_int_equal(t->unlisted, t->part_of ? 0 : s->unlisted);
			assert_int_equal(t->unlisted_bytes_per_s,
					 t->part_of ? 0 : s->unlisted_bytes_per_s);
			assert_int_equal(!t->part_of, t->growth_bytes_per_s == (few ? 100 : 98));
		}
		if (!few)
			r = of_one_line(2, 1, stack), s = r->processes[0].sites;
		report_free(all);
	}
}

static void a_merged_part_counts_for_all_its_members(void **state)
{
	struct report_member three[3];
	struct report *r = report_of(2), *all;

	(void)state;
	for (int i = 0; i < 3; i++)
		three[i] =
			(struct report_member){.hostname = "web", .pid = 10 + i, .comm = "python3"};
	for (size_t i = 0; i < 2; i++)
		r->processes[i].on_s = 1;
	r->processes[0].coverage = 0.1;
	r->processes[0].members = three;
	r->processes[0].n_members = 3;
	r->processes[1].coverage = 0.5;
	all = merged(r);
	assert_float_equal(all->processes->coverage, 0.2, 1e-9);
	report_free(all);
}

/* One process has both, and tells them apart: their containers differ. */
static void what_one_process_tells_apart_stays_apart(void **state)
{
	struct report_frame stack[3][2];
	struct report *r = of_one_line(3, 2, stack), *all;

	(void)state;
	r->processes[1].n_sites = 2; /* the third one's, too */
	all = merged(r);
	assert_int_equal(all->processes->n_sites, 2);
	for (size_t i = 0; i < 2; i++)
		assert_null(all->processes->sites[i].part_of);
	report_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sentence_goes_with_the_worst_verdict),
		cmocka_unit_test(too_early_for_all_is_too_early),
		cmocka_unit_test(steady_is_not_said_of_those_that_nobody_judged),
		cmocka_unit_test(a_leak_hides_none_that_nobody_judged),
		cmocka_unit_test(what_watching_costs_is_weighed_by_cpu),
		cmocka_unit_test(what_watching_costs_is_summed_over_the_time),
		cmocka_unit_test(a_point_behind_the_probing_is_not_watched),
		cmocka_unit_test(the_only_one_keeps_its_sentence),
		cmocka_unit_test(memory_is_summed_and_the_nearest_limit_kept),
		cmocka_unit_test(descriptors_are_of_the_one_that_runs_out_first),
		cmocka_unit_test(the_groups_of_two_hosts_are_not_one),
		cmocka_unit_test(all_of_a_host_take_of_one_ram),
		cmocka_unit_test(those_that_were_not_watched_are_summed),
		cmocka_unit_test(reports_that_do_not_count_give_no_times),
		cmocka_unit_test(a_cause_is_told_again_where_it_must),
		cmocka_unit_test(what_nobody_knows_stays_unknown),
		cmocka_unit_test(of_none_is_none),
		cmocka_unit_test(ids_of_another_kind_are_joined_by_line),
		cmocka_unit_test(a_cause_of_many_places_comes_first),
		cmocka_unit_test(what_has_ended_grows_no_more),
		cmocka_unit_test(who_goes_on_has_not_ended),
		cmocka_unit_test(few_samples_of_one_leave_the_sum_unsure),
		cmocka_unit_test(one_line_is_one_finding),
		cmocka_unit_test(places_that_are_not_listed_stay_in_the_sum),
		cmocka_unit_test(a_merged_part_counts_for_all_its_members),
		cmocka_unit_test(what_one_process_tells_apart_stays_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

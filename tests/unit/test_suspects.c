/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict on a process that grows, from one turn of probing to the next. Sessions, readings and
 * the clock are made up. */
#include <unistd.h>

#include "unit.h"

#define clock_ns	   the_clock
#define session_open	   open_one
#define session_start	   start_one
#define session_close	   close_one
#define session_step	   step_one
#define session_fill	   fill_one
#define session_keep_alive keep_one
#define growth_curve	   curve_of
#define growth_entry	   entry_of
#define growth_fill	   fill_by_growth
#include "proc/list.h"
static bool list_one(int pid, struct proc_entry *out);
#define proc_list_one list_one
#include "sweep/sweep_suspects.c"
#undef proc_list_one

#define SECOND 1000000000ull

struct session {
	int unused;
};

struct growth {
	struct curve curve;
	struct proc_entry entry;
};

static struct session probes;
static struct report_site line = {.id = "a"}, side_line = {.id = "b"};
static struct report_parts parts;
static struct report_series series[1];
static uint64_t now_ns, rss_now;
static double lags; /* so much of RSS growth has not seen yet */
static int step_ends, cannot_open;
static unsigned opens;
static bool is_gone; /* as growth knows */
static bool waits;   /* in the kernel, for storage perhaps */

static struct {
	enum report_class verdict;
	size_t n_sites;
	double explained;
	bool is_aside; /* it sees the side line alone */
} says;		       /* the session */

uint64_t clock_ns(void)
{
	return now_ns;
}

int session_open(int pid, const struct session_opts *o, struct session **out)
{
	(void)o;
	opens++;
	if (cannot_open)
		return fail(cannot_open, "no process %d (is the pid from inside a container?)",
			    pid);
	*out = &probes;
	return 0;
}

void session_start(struct session *s)
{
	(void)s;
}

void session_close(struct session *s)
{
	(void)s;
}

int session_step(struct session *s, double max_s)
{
	(void)s;
	(void)max_s;
	return step_ends;
}

void session_keep_alive(struct session *s)
{
	(void)s;
}

int session_fill(struct session *s, uint64_t at_ns, struct report *r, struct report_process *p)
{
	(void)s;
	(void)at_ns;
	(void)r;
	report_process_init(p);
	p->verdict = says.verdict;
	p->reason = "as the session says";
	p->live_curve.shape = CURVE_FLAT;
	p->sites = says.is_aside ? &side_line : &line;
	p->n_sites = says.n_sites;
	p->explained = says.explained;
	p->rss_bytes = rss_now;
	p->parts = &parts;
	p->series = series;
	p->n_series = 1;
	p->memory.eta_s = p->memory.eta_low_s = p->memory.eta_high_s = p->fds.eta_s = 3600;
	return 0;
}

const struct curve *growth_curve(const struct growth *g)
{
	return &g->curve;
}

const struct proc_entry *growth_entry(const struct growth *g)
{
	return &g->entry;
}

void growth_fill(struct growth *g, const char *unprobed, struct report *r, struct report_process *p)
{
	(void)r;
	report_process_init(p);
	p->verdict = curve_grows(&g->curve) ? CLASS_GROWING : CLASS_STEADY;
	p->reason = unprobed;
	p->exited = is_gone;
	p->rss_bytes = (uint64_t)((1 - lags) * (double)rss_now);
}

static bool list_one(int pid, struct proc_entry *out)
{
	*out = (struct proc_entry){.pid = pid, .is_stuck = waits};
	return true;
}

/* One process that grows, in a sweep that probes it. */
struct one {
	struct growth g;
	struct sweep_target t, *v[1];
	struct sweep s;
};

static void begin_turn(struct one *o)
{
	now_ns += REST_NS + SECOND;
	says.verdict = CLASS_STEADY;
	says.n_sites = 0;
	suspects_choose(&o->s);
	assert_non_null(o->t.session);
}

static void grow(struct one *o)
{
	*o = (struct one){.g.curve = {.shape = CURVE_RISING, .span_s = 60, .slope = 1e6}};
	o->t.growth = &o->g;
	o->v[0] = &o->t;
	o->s.target.v = o->v;
	o->s.target.n = 1;
	step_ends = 0;
	rss_now = 100 << 20;
	lags = 0;
}

static void begin_with(struct one *o)
{
	grow(o);
	begin_turn(o);
}

static void end_with(struct one *o)
{
	report_free(o->t.found);
}

/* The session says so @s seconds later. */
static void pass(struct one *o, unsigned s, enum report_class verdict, size_t n_sites)
{
	now_ns += s * SECOND;
	says.verdict = verdict;
	says.n_sites = n_sites;
	suspects_step(&o->s, 0);
}

static struct report_process reported(struct one *o, bool final)
{
	struct report_process p;
	struct report *r = NULL;

	assert_int_equal(report_new(&r), 0);
	r->final = final;
	assert_int_equal(suspect_fill(&o->t, r, &p), 0);
	report_free(r);
	return p;
}

static struct report_process whole(struct one *o)
{
	return reported(o, false);
}

static enum report_class told(struct one *o)
{
	return whole(o).verdict;
}

/* A first turn that names a leak, and the next one. */
static void begin_again(struct one *o)
{
	begin_with(o);
	pass(o, 16, CLASS_LEAK, 1);
	assert_null(o->t.session);
	assert_int_equal(told(o), CLASS_LEAK);
	begin_turn(o);
}

static void a_leak_is_one_while_the_next_turn_looks(void **state)
{
	struct one o;

	(void)state;
	begin_again(&o);
	pass(&o, 2, CLASS_STEADY, 0);
	assert_int_equal(told(&o), CLASS_LEAK);
	pass(&o, 8, CLASS_GROWING, 1);
	assert_int_equal(told(&o), CLASS_LEAK);
	/* The former turn's leak does not end this one; its own does. */
	pass(&o, 10, CLASS_GROWING, 1);
	assert_non_null(o.t.session);
	assert_int_equal(told(&o), CLASS_LEAK);
	pass(&o, 6, CLASS_LEAK, 2);
	assert_null(o.t.session);
	assert_int_equal(o.t.found->processes[0].n_sites, 2);
	end_with(&o);
}

static void a_leak_is_one_no_more_when_the_turn_is_over(void **state)
{
	struct one o;

	(void)state;
	begin_again(&o);
	pass(&o, 46, CLASS_GROWING, 1);
	assert_null(o.t.session);
	assert_int_equal(told(&o), CLASS_GROWING);
	end_with(&o);
}

static void a_leak_is_one_no_more_when_nothing_grows(void **state)
{
	struct one o;

	(void)state;
	begin_again(&o);
	o.g.curve.shape = CURVE_LEVELLED;
	pass(&o, 10, CLASS_STEADY, 0);
	assert_int_equal(told(&o), CLASS_STEADY);
	end_with(&o);
}

static void a_leak_whose_process_ends_in_the_next_turn_is_kept(void **state)
{
	struct one o;
	struct report *leak;

	(void)state;
	begin_again(&o);
	pass(&o, 5, CLASS_STEADY, 0);
	step_ends = 1;
	leak = suspect_take_leak(&o.t);
	assert_non_null(leak);
	assert_true(leak->processes[0].exited);
	assert_true(isnan(leak->processes[0].memory.eta_s) && isnan(leak->processes[0].fds.eta_s));
	assert_true(isnan(leak->processes[0].memory.eta_low_s));
	assert_true(isnan(leak->processes[0].memory.eta_high_s));
	report_free(leak);
	end_with(&o);
}

/* A turn of 45 s is too short for it. */
static void what_grows_slowly_is_not_steady(void **state)
{
	struct one o;

	(void)state;
	begin_with(&o);
	pass(&o, 20, CLASS_STEADY, 0);
	assert_int_equal(told(&o), CLASS_GROWING);
	assert_string_equal(whole(&o).reason, "being probed");
	pass(&o, 26, CLASS_STEADY, 0);
	assert_null(o.t.session);
	assert_int_equal(told(&o), CLASS_GROWING);
	assert_string_equal(whole(&o).reason, "no line stood out while it was probed");
	o.g.curve.shape = CURVE_FLAT;
	assert_int_equal(told(&o), CLASS_STEADY);
	assert_string_equal(whole(&o).reason, "as the session says");
	end_with(&o);
}

/* Parts add up to RSS: those of an old turn do not, and what was resident then is history. */
static void parts_are_of_the_moment_of_rss(void **state)
{
	struct one o;
	struct report_process p;
	struct report *r = NULL;

	(void)state;
	begin_with(&o);
	pass(&o, 16, CLASS_LEAK, 1);
	assert_null(o.t.session);
	rss_now += 2 << 20;
	assert_non_null(whole(&o).parts);
	now_ns += 60 * SECOND;
	rss_now += 50 << 20;
	assert_int_equal(report_new(&r), 0);
	assert_int_equal(suspect_fill(&o.t, r, &p), 0);
	assert_int_equal(p.rss_bytes, 152 << 20);
	assert_null(p.parts);
	assert_int_equal(p.n_series, 2);
	assert_true(p.series[1].t_s == 76 && p.series[1].rss_bytes == p.rss_bytes);
	report_free(r);
	/* The next turn reads them again. */
	begin_turn(&o);
	pass(&o, 46, CLASS_LEAK, 1);
	assert_non_null(whole(&o).parts);
	end_with(&o);
}

/* Readings of growth are farther apart than a turn's. */
static void parts_of_a_turn_that_goes_on_are_fresh(void **state)
{
	struct one o;

	(void)state;
	begin_with(&o);
	lags = 0.1;
	pass(&o, 10, CLASS_GROWING, 1);
	assert_non_null(whole(&o).parts);
	assert_int_equal(whole(&o).rss_bytes, rss_now);
	pass(&o, 40, CLASS_GROWING, 1);
	assert_null(o.t.session);
	assert_null(whole(&o).parts);
	end_with(&o);
}

/* Native code is traced anew, and what explained the growth is seen no more. */
static void a_line_is_not_given_up_for_one_that_explains_less(void **state)
{
	struct one o;

	(void)state;
	begin_with(&o);
	says.explained = 0.7;
	pass(&o, 16, CLASS_GROWING, 1);
	assert_string_equal(whole(&o).sites->id, "a");
	says.is_aside = true;
	says.explained = 0.01;
	rss_now += 50 << 20;
	pass(&o, 10, CLASS_GROWING, 1);
	assert_string_equal(whole(&o).sites->id, "a");
	/* its RSS is the present one, and its parts are not of that */
	assert_int_equal(whole(&o).rss_bytes, 150 << 20);
	assert_null(whole(&o).parts);
	pass(&o, 20, CLASS_GROWING, 1);
	assert_null(o.t.session);
	assert_string_equal(whole(&o).sites->id, "a");
	/* the next turn may find more */
	begin_turn(&o);
	says.explained = 0.5;
	pass(&o, 46, CLASS_GROWING, 1);
	assert_string_equal(whole(&o).sites->id, "b");
	/* the line that is seen has stopped */
	begin_turn(&o);
	says.explained = 0.01;
	pass(&o, 46, CLASS_GROWING, 1);
	assert_true(whole(&o).explained < 0.02);
	says.is_aside = false;
	says.explained = 0;
	end_with(&o);
}

/* It was found by us: its number is not from inside a container. */
static void one_that_has_ended_is_not_called_unknown(void **state)
{
	struct one o;

	(void)state;
	begin_with(&o);
	suspect_end(&o.t);
	now_ns += REST_NS + SECOND;
	o.g.entry.pid = INT32_MAX; /* no such process */
	cannot_open = -ESRCH;
	suspects_choose(&o.s);
	assert_null(o.t.session);
	assert_string_equal(whole(&o).reason, "and ended before it could be probed");
	assert_true(proc_list_one(getpid(), &o.g.entry));
	now_ns += REST_NS + SECOND;
	suspects_choose(&o.s);
	cannot_open = 0;
	assert_non_null(strstr(whole(&o).reason, "has not ended"));
	end_with(&o);
}

static void what_has_ended_meets_no_limit(void **state)
{
	struct report_process p;
	struct one o;

	(void)state;
	begin_with(&o);
	pass(&o, 46, CLASS_GROWING, 1);
	assert_true(whole(&o).memory.eta_s > 0);
	is_gone = true;
	p = whole(&o);
	is_gone = false;
	assert_true(p.exited && p.n_sites == 1 && p.verdict == CLASS_GROWING);
	assert_true(isnan(p.memory.eta_s) && isnan(p.memory.eta_high_s) && isnan(p.fds.eta_s));
	end_with(&o);
}

/* Whoever reads it would wait as long, and with him all others. */
static void one_that_may_hold_its_lock_has_no_turn(void **state)
{
	struct one o;

	(void)state;
	grow(&o);
	waits = true;
	suspects_choose(&o.s);
	assert_null(o.t.session);
	assert_int_equal(o.t.turns, 0);
	waits = false;
	now_ns += LOOK_NS;
	suspects_choose(&o.s);
	assert_non_null(o.t.session);
	end_with(&o);
}

/* Each may take seconds, in which those that are probed get no heartbeat. */
static void one_a_step_begins(void **state)
{
	struct one o, other;
	struct sweep_target *both[] = {&o.t, &other.t};

	(void)state;
	grow(&o);
	grow(&other);
	o.s.target.v = both;
	o.s.target.n = 2;
	opens = 0;
	cannot_open = -EIO;
	suspects_choose(&o.s);
	assert_int_equal(opens, 1);
	suspects_choose(&o.s);
	assert_int_equal(opens, 2);
	cannot_open = 0;
	now_ns += REST_NS;
	suspects_choose(&o.s);
	assert_int_equal(opens, 3);
	suspects_choose(&o.s);
	assert_true(o.t.session && other.t.session);
}

/* Nothing is probed any more when the watch is over. */
static void a_final_report_promises_no_probing(void **state)
{
	struct one o;

	(void)state;
	begin_with(&o);
	pass(&o, 20, CLASS_STEADY, 0);
	assert_string_equal(reported(&o, true).reason, "no line stood out in this time");
	suspect_end(&o.t);
	report_free(o.t.found);
	o.t.found = NULL;
	assert_string_equal(whole(&o).reason, "not probed yet");
	assert_string_equal(reported(&o, true).reason, "not probed in this time");
	end_with(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_is_one_while_the_next_turn_looks),
		cmocka_unit_test(a_leak_is_one_no_more_when_the_turn_is_over),
		cmocka_unit_test(a_leak_is_one_no_more_when_nothing_grows),
		cmocka_unit_test(a_leak_whose_process_ends_in_the_next_turn_is_kept),
		cmocka_unit_test(what_grows_slowly_is_not_steady),
		cmocka_unit_test(parts_are_of_the_moment_of_rss),
		cmocka_unit_test(parts_of_a_turn_that_goes_on_are_fresh),
		cmocka_unit_test(a_line_is_not_given_up_for_one_that_explains_less),
		cmocka_unit_test(one_that_has_ended_is_not_called_unknown),
		cmocka_unit_test(what_has_ended_meets_no_limit),
		cmocka_unit_test(one_that_may_hold_its_lock_has_no_turn),
		cmocka_unit_test(one_a_step_begins),
		cmocka_unit_test(a_final_report_promises_no_probing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

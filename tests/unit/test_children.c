/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Children that have ended: many are summed up, and no one of them is forgotten. */
#include "unit.h"

#define session_fill  fill_made_up
#define session_pid   pid_made_up
#define opener_close  close_nothing
#define tree_put_back put_back
#include "command/children.c"

#define MANY 150

static const char *goes_on;
static struct tree_child back;

int fill_made_up(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p)
{
	(void)s;
	(void)now_ns;
	(void)r;
	*p = (struct report_process){.pid = 7, .exited = true, .goes_on = goes_on};
	return 0;
}

int pid_made_up(const struct session *s)
{
	(void)s;
	return 7;
}

void close_nothing(struct opener *o, struct session *s)
{
	(void)o;
	(void)s;
}

void put_back(struct tree *t, const struct tree_child *child)
{
	(void)t;
	back = *child;
}

static void end_one(struct children *c, int pid, enum report_class verdict)
{
	struct ended *slot = vec_push(&c->ended);
	struct report_process *p;
	struct report *r;

	assert_non_null(slot);
	assert_int_equal(report_new(&r), 0);
	p = report_alloc(r, sizeof(*p));
	report_process_init(p);
	p->pid = pid;
	p->comm = "worker";
	p->exited = true;
	p->verdict = verdict;
	p->confidence = 0.8;
	p->reason = "";
	r->processes = p;
	r->n_processes = 1;
	slot->report = r;
}

static void those_that_are_not_named_count(void **state)
{
	struct report_process all;
	struct report_process v[3];
	struct children c = {0};

	(void)state;
	/* The older half is summed up: more leak than are named. Then a few more. */
	for (int i = 0; i < 2 * MANY; i++)
		end_one(&c, i + 1, i < MANY - 10 ? CLASS_LEAK : CLASS_STEADY);
	assert_int_equal(fold(&c), 0);
	assert_int_equal(c.past->processes->n_members, MAX_NAMED);
	assert_int_equal(report_members(c.past->processes), MANY);
	assert_ptr_equal(strstr(c.past->processes->reason, "140 of 150 processes on 1 host: leak"),
			 c.past->processes->reason);
	/* Once more, of what was summed up already. */
	while (c.ended.n < 200)
		end_one(&c, (int)c.ended.n + 1000, CLASS_STEADY);
	assert_int_equal(fold(&c), 0);
	assert_ptr_equal(strstr(c.past->processes->reason, "140 of 250 processes on 1 host: leak"),
			 c.past->processes->reason);
	v[0] = c.past->processes[0];
	v[1] = v[2] = c.ended.v[0].report->processes[0];
	v[1].verdict = CLASS_LEAK;
	assert_int_equal(report_merge_processes(c.past, v, 3, &all), 0);
	assert_ptr_equal(strstr(all.reason, "141 of 252 processes on 1 host: leak"), all.reason);
	/* One that is worse than all of them is told alone. */
	v[0].verdict = CLASS_GROWING;
	for (size_t i = 0; i < v[0].n_members; i++)
		v[0].members[i].verdict = CLASS_GROWING;
	assert_int_equal(report_merge_processes(c.past, v, 3, &all), 0);
	assert_ptr_equal(strstr(all.reason, "1 of 252 processes on 1 host: leak"), all.reason);
	for (size_t i = 0; i < c.ended.n; i++)
		report_free(c.ended.v[i].report);
	vec_free(&c.ended);
	report_free(c.past);
}

/* It may have exec'ed before it was followed: no news of that comes then. */
static void who_goes_on_waits_for_a_session_again(void **state)
{
	struct children c = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		goes_on = i ? "runs another program now" : NULL;
		assert_int_equal(note_open(&c, 7), 0);
		children_end(&c, NULL);
		assert_int_equal(c.open.n, 0);
		assert_int_equal(back.pid, i ? 7 : 0);
	}
	assert_true(back.is_execed && back.since_ns && !back.start_ticks);
	assert_int_equal(back.fate, TREE_WATCHED);
	for (size_t i = 0; i < c.ended.n; i++)
		report_free(c.ended.v[i].report);
	vec_free(&c.ended);
	vec_free(&c.open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_are_not_named_count),
		cmocka_unit_test(who_goes_on_waits_for_a_session_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

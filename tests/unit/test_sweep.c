/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes a sweep watches, and which it says that it could not look at. Processes are made
 * up: each line of a table is one. */
#include <sys/wait.h>

#include "unit.h"

#define clock_ns	 the_clock
#define thread_cpu_ns	 our_cpu
#define proc_list	 list_all
#define proc_list_one	 list_one
#define proc_open	 open_one
#define proc_close	 close_one
#define py_finder_has	 has_python
#define growth_open	 watch_one
#define growth_close	 leave_one
#define growth_watch_by	 watch_by
#define growth_read	 read_one
#define growth_has_ended has_ended
#define growth_entry	 entry_of
#define suspect_clear	 clear_one
#define suspects_step	 step_suspects
#include "proc/inside.h"
#include "sweep/sweep.c"

#define SECOND 1000000000ull

struct growth {
	struct proc_entry entry;
};

static struct {
	int pid;
	bool has_ended;
	int has;      /* a Python: 1, none: 0, or why that is not known */
	int opens;    /* 0, or why it is not */
	int looks_in; /* 0, or why nobody may */
	char comm[16];
	bool is_stuck, is_unread;
	uint64_t start, start_stack;
	unsigned looks, reads;
} host[3];

static uint64_t now_ns, cpu_ns;
static uint64_t list_ns, look_ns; /* the time that a list takes, and a look at a process */
static unsigned suspects_steps;
static struct proc of[ARRAY_SIZE(host)];

uint64_t clock_ns(void)
{
	return now_ns;
}

uint64_t thread_cpu_ns(void)
{
	return cpu_ns;
}

static struct proc_entry entry(size_t i)
{
	struct proc_entry e = {.pid = host[i].pid,
			       .start_ticks = host[i].start,
			       .start_stack = host[i].start_stack,
			       .rss_bytes = 1 << 20,
			       .is_stuck = host[i].is_stuck};

	memcpy(e.comm, host[i].comm, sizeof(e.comm));
	return e;
}

int proc_list(struct proc_entry **out, size_t *n)
{
	*n = 0;
	now_ns += list_ns;
	*out = calloc(ARRAY_SIZE(host), sizeof(**out));
	assert_non_null(*out);
	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		if (!host[i].has_ended)
			(*out)[(*n)++] = entry(i);
	return 0;
}

bool proc_list_one(int pid, struct proc_entry *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
		if (host[i].pid != pid || host[i].has_ended)
			continue;
		*out = entry(i);
		return true;
	}
	return false;
}

int proc_open(int pid, struct proc **out)
{
	*out = NULL;
	now_ns += look_ns;
	for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
		if (host[i].pid != pid)
			continue;
		host[i].looks++;
		if (host[i].looks_in)
			return fail(host[i].looks_in, "not allowed to read process %d", pid);
		*out = &of[i];
	}
	return 0;
}

void proc_close(struct proc *p)
{
	(void)p;
}

int py_finder_has(struct py_finder *f, const struct proc *p)
{
	int has = host[p - of].has;

	(void)f;
	return has < 0 ? fail(has, "process %d cannot be read", host[p - of].pid) : has;
}

int growth_open(struct proc *p, const struct proc_entry *e, struct growth **out)
{
	struct growth *g;

	if (host[p - of].opens)
		return fail(host[p - of].opens, "process %d is a CPython of another kind", e->pid);
	g = calloc(1, sizeof(*g));
	assert_non_null(g);
	g->entry = *e;
	*out = g;
	return 0;
}

void growth_close(struct growth *g)
{
	free(g);
}

void growth_watch_by(struct growth *g, int (*tell)(const struct heap_progress *at, void *ctx),
		     void *ctx)
{
	(void)g;
	(void)tell;
	(void)ctx;
}

/* A reading is dear here. */
bool growth_read(struct growth *g)
{
	size_t i = 0;

	while (host[i].pid != g->entry.pid)
		i++;
	host[i].reads++;
	cpu_ns += SECOND / 20;
	return !host[i].is_unread;
}

bool growth_has_ended(const struct growth *g)
{
	struct proc_entry e;

	return !list_one(g->entry.pid, &e);
}

const struct proc_entry *growth_entry(const struct growth *g)
{
	return &g->entry;
}

void suspect_clear(struct sweep_target *t)
{
	(void)t;
}

bool suspects_step(struct sweep *s, double max_s)
{
	(void)s;
	assert_true(max_s > 0);
	suspects_steps++;
	return true;
}

static struct sweep *begin(void)
{
	const struct sweep_opts o = {.uid = -1};
	struct sweep *s = NULL;

	memset(host, 0, sizeof(host));
	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		host[i].pid = 10 + (int)i, host[i].start = 7;
	host[1].has = -EIO;
	host[2].has = 1;
	host[2].opens = -ENOTSUP;
	now_ns = 1000 * SECOND;
	assert_int_equal(sweep_new(&o, NULL, &s), 0);
	assert_int_equal(list(s, SECOND), 0);
	return s;
}

static void list_later(struct sweep *s, unsigned seconds)
{
	now_ns += seconds * SECOND;
	assert_int_equal(list(s, SECOND), 0);
}

static size_t refused_so_far(const struct sweep *s)
{
	size_t refused;

	sweep_count(s, &refused);
	return refused;
}

static void those_that_could_not_be_looked_at_are_told(void **state)
{
	struct sweep *s = begin();
	struct report *r = NULL;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	assert_int_equal(sweep_fill(s, r), 0);
	assert_int_equal(r->n_processes, 0);
	assert_int_equal(r->not_watched, 2);
	assert_string_equal(r->not_watched_why, "process 12 is a CPython of another kind");
	report_free(r);
	/* Looks that fail again count once. */
	list_later(s, 6);
	list_later(s, 20);
	assert_int_equal(s->not_watched, 2);
	assert_int_equal(refused_so_far(s), 2);
	/* It can be read now, and the other one has ended. */
	host[1].has = 1;
	host[2].has_ended = true;
	list_later(s, 80);
	assert_int_equal(s->target.n, 1);
	assert_int_equal(s->not_watched, 0);
	sweep_free(s);
}

static void tells(struct sweep *s, size_t n, const char *why)
{
	struct report *r = NULL;

	assert_int_equal(report_new(&r), 0);
	assert_int_equal(sweep_fill(s, r), 0);
	assert_int_equal(r->not_watched, n);
	assert_string_equal(r->not_watched_why ? r->not_watched_why : "", why);
	report_free(r);
}

static void a_reason_is_of_one_that_is_still_there(void **state)
{
	struct sweep *s = begin();

	(void)state;
	tells(s, 2, "process 12 is a CPython of another kind");
	/* Long before the other one is looked at again. */
	host[2].has_ended = true;
	list_later(s, 1);
	tells(s, 1, "process 11 cannot be read");
	sweep_free(s);
}

static void one_that_is_looked_at_for_its_reason_may_have_none(void **state)
{
	struct sweep *s = begin();

	(void)state;
	host[1].has = 1;
	host[2].has_ended = true;
	list_later(s, 1);
	assert_int_equal(s->target.n, 1);
	assert_int_equal(s->not_watched, 0);
	sweep_free(s);
}

/* A program has loaded libpython and never started it, and another one is about to end. */
static void a_python_that_does_not_run_is_none(void **state)
{
	struct sweep *s = begin();

	(void)state;
	host[1].has = 1;
	host[1].opens = -EAGAIN;
	host[2].opens = -ESHUTDOWN;
	list_later(s, 6);
	assert_int_equal(s->not_watched, 0);
	/* It is started later. */
	host[1].opens = 0;
	list_later(s, 60);
	assert_int_equal(s->target.n, 1);
	sweep_free(s);
}

/* Its maps may be behind a lock that it holds for as long as its storage is silent. */
static void one_that_waits_for_storage_is_looked_at_later(void **state)
{
	struct sweep *s = begin();

	(void)state;
	host[0].has = host[1].has = 1;
	host[0].is_stuck = host[1].is_stuck = true;
	host[0].looks = host[1].looks = 0;
	list_later(s, 6);
	list_later(s, 100);
	assert_int_equal(host[0].looks, 0);
	assert_int_equal(host[1].looks, 0);
	assert_int_equal(s->target.n, 0);
	/* One could not be looked at before, and still is not watched. */
	assert_int_equal(s->not_watched, 2);
	assert_int_equal(refused_so_far(s), 2);
	host[0].is_stuck = host[1].is_stuck = false;
	list_later(s, 6);
	assert_int_equal(s->target.n, 2);
	assert_int_equal(s->not_watched, 1);
	sweep_free(s);
}

static void one_that_waits_for_storage_is_watched_as_before(void **state)
{
	struct sweep *s = begin();
	const struct sweep_opts o = {.uid = -1};

	(void)state;
	host[1].has = 1;
	list_later(s, 6);
	assert_int_equal(s->target.n, 1);
	host[1].is_stuck = true;
	host[1].looks = 0;
	assert_int_equal(sweep_reselect(s, &o), 0);
	list_later(s, 1);
	assert_int_equal(host[1].looks, 0);
	assert_int_equal(s->target.n, 1);
	sweep_free(s);
}

/* Makes one of them this process, which is there. */
static void be_us(size_t i)
{
	auto_free char *text = NULL;
	struct proc_stat own;
	size_t n;

	assert_int_equal(proc_slurp(getpid(), "stat", &text, &n), 0);
	assert_int_equal(proc_parse_stat(text, &own), 0);
	host[i].pid = getpid();
	host[i].start = own.start_ticks;
	host[i].start_stack = own.start_stack;
}

static void one_that_answers_as_if_it_had_ended_is_told_while_it_lives(void **state)
{
	struct sweep *s = begin();
	pid_t child = fork();

	(void)state;
	if (!child)
		_exit(0);
	assert_true(child > 0);
	be_us(1);
	host[1].has = -ESRCH;
	host[2].has = -ESRCH;
	host[2].pid = child; /* a zombie, later nothing */
	assert_int_equal(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	list_later(s, 6);
	assert_int_equal(s->not_watched, 1);
	assert_non_null(strstr(s->why, "has not ended"));
	assert_int_equal(waitpid(child, NULL, 0), child);
	list_later(s, 600);
	assert_int_equal(s->not_watched, 1);
	/* it has become another program meanwhile */
	host[1].start_stack++;
	list_later(s, 600);
	assert_int_equal(s->not_watched, 0);
	sweep_free(s);
}

static void one_that_cannot_be_read_any_more_is_told(void **state)
{
	struct sweep *s = begin();

	(void)state;
	be_us(0);
	host[0].has = 1;
	host[1].has = host[2].has = 0;
	list_later(s, 600);
	assert_int_equal(s->target.n, 1);
	host[0].is_unread = true;
	now_ns += 60 * SECOND;
	read_all(s);
	assert_int_equal(s->target.n, 0);
	assert_int_equal(s->not_watched, 1);
	assert_non_null(strstr(s->why, "has not ended"));
	/* it is looked at again, more and more rarely */
	host[0].has = -EIO;
	host[0].looks = 0;
	for (int i = 0; i < 12; i++)
		list_later(s, 5);
	assert_in_range(host[0].looks, 2, 6);
	assert_int_equal(s->not_watched, 1);
	host[0].has = 1;
	host[0].is_unread = false;
	list_later(s, 600);
	assert_int_equal(s->target.n, 1);
	assert_int_equal(s->not_watched, 0);
	sweep_free(s);
}

/* Too many files are open: that is nothing about the process. */
static void a_leak_of_one_that_cannot_be_read_now_is_kept(void **state)
{
	struct sweep *s = begin();
	struct report *r = NULL;

	(void)state;
	host[0].has = 1;
	list_later(s, 600);
	assert_int_equal(s->target.n, 1);
	assert_int_equal(report_new(&r), 0);
	r->processes = report_alloc(r, sizeof(*r->processes));
	assert_non_null(r->processes);
	report_process_init(r->processes);
	r->processes->verdict = CLASS_LEAK;
	s->target.v[0]->found = r;
	s->o.keeps_leaks = true;
	host[0].is_unread = true;
	for (int i = 0; i < 2; i++) {
		now_ns += 60 * SECOND;
		read_all(s);
		assert_int_equal(s->target.n, 1);
		assert_ptr_equal(s->target.v[0]->found, r);
	}
	host[0].has_ended = true;
	now_ns += 60 * SECOND;
	read_all(s);
	assert_int_equal(s->target.n, 0);
	assert_int_equal(s->leak.n, 1);
	assert_true(s->leak.v[0]->processes->exited);
	sweep_free(s);
}

static unsigned said;

static void count_lines(const char *line)
{
	said += strstr(line, "left out") != NULL;
}

static void leaks_that_are_left_out_are_told_once(void **state)
{
	struct growth ended = {.entry = {.pid = 99}};
	struct sweep *s = begin();

	(void)state;
	s->o.keeps_leaks = true;
	log_divert(count_lines);
	for (unsigned i = 0; i < MOST_LEAKS + 2; i++) {
		struct sweep_target t = {.growth = &ended};

		assert_int_equal(said, i > MOST_LEAKS);
		assert_int_equal(report_new(&t.found), 0);
		t.found->processes = report_alloc(t.found, sizeof(*t.found->processes));
		assert_non_null(t.found->processes);
		report_process_init(t.found->processes);
		t.found->processes->verdict = CLASS_LEAK;
		keep_leak(s, &t);
	}
	log_divert(NULL);
	assert_int_equal(said, 1);
	assert_int_equal(s->leak.n, MOST_LEAKS);
	sweep_free(s);
}

static void those_who_are_not_meant_are_not_told(void **state)
{
	struct sweep *s = begin();
	const struct sweep_opts of_another = {.uid = 1000};

	(void)state;
	assert_int_equal(sweep_reselect(s, &of_another), 0);
	list_later(s, 6);
	assert_int_equal(s->not_watched, 0);
	sweep_free(s);
}

/* By its short name alone, as nobody may read its words. */
static void nor_is_one_of_another_name_that_cannot_be_opened(void **state)
{
	static const struct {
		const char *comm;
		size_t n;
	} row[] = {{"process_api", 0}, {"shop.py", 1}, {"python3.11", 1}};
	struct sweep *s = begin();
	struct sweep_opts o = {.uid = -1};
	regex_t name;

	(void)state;
	assert_int_equal(regcomp(&name, "shop", REG_EXTENDED), 0);
	o.name = &name;
	host[1].looks_in = -EPERM;
	host[2].has = 0;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		snprintf(host[1].comm, sizeof(host[1].comm), "%s", row[i].comm);
		assert_int_equal(sweep_reselect(s, &o), 0);
		list_later(s, 600);
		if (s->not_watched != row[i].n)
			fail_msg("%s: %zu", row[i].comm, s->not_watched);
	}
	regfree(&name);
	sweep_free(s);
}

static void they_are_counted_once_however_often_settings_are_read(void **state)
{
	struct sweep *s = begin();
	const struct sweep_opts o = {.uid = -1};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sweep_reselect(s, &o), 0);
		list_later(s, 1);
	}
	assert_int_equal(refused_so_far(s), 2);
	assert_int_equal(s->not_watched, 2);
	/* And at once. */
	host[1].has = 1;
	assert_int_equal(sweep_reselect(s, &o), 0);
	list_later(s, 1);
	assert_int_equal(s->target.n, 1);
	assert_int_equal(s->not_watched, 1);
	sweep_free(s);
}

/* A second each, as sweep_step() has them. */
static void go_on(struct sweep *s, unsigned seconds)
{
	for (; seconds; seconds--) {
		now_ns += SECOND;
		if (now_ns >= s->list_due)
			assert_int_equal(list(s, SECOND), 0);
		read_all(s);
	}
}

/* With one there is a round each five seconds, with two each ten. */
static void a_late_one_is_read_as_often_as_the_first(void **state)
{
	struct sweep *s = begin();

	(void)state;
	host[1].has = 1;
	host[2].has = 0;
	host[1].has_ended = true;
	host[0].has = 1;
	assert_int_equal(sweep_reselect(s, &s->o), 0);
	go_on(s, 16);
	assert_in_range(host[0].reads, 8, 9);
	go_on(s, 60);
	assert_in_range(host[0].reads, 8 + 9, 8 + 13);
	host[0].reads = 0;
	host[1].has_ended = false;
	go_on(s, 5 + 2 + 14);
	assert_in_range(host[1].reads, 8, 9);
	assert_in_range(host[0].reads, 1, 4);
	go_on(s, 60);
	assert_in_range(host[1].reads, 8 + 5, 9 + 6);
	sweep_free(s);
}

/* As on a host of thousands, or a busy one. */
static void a_list_may_take_longer_than_a_step(void **state)
{
	struct sweep *s = begin();

	(void)state;
	suspects_steps = 0;
	list_ns = SECOND / 2;
	assert_int_equal(sweep_reselect(s, &s->o), 0);
	assert_int_equal(sweep_step(s, 0.2), 0);
	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		assert_int_equal(host[i].looks, 2);
	assert_true(s->list_due > now_ns);
	/* So may each look: there is one a step, and suspects get their part. */
	look_ns = SECOND;
	assert_int_equal(sweep_reselect(s, &s->o), 0);
	for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
		assert_true(s->list_due <= now_ns);
		assert_int_equal(sweep_step(s, 0.2), 0);
		for (size_t k = 0; k < ARRAY_SIZE(host); k++)
			assert_int_equal(host[k].looks, k <= i ? 3 : 2);
	}
	assert_true(s->list_due > now_ns);
	assert_int_equal(suspects_steps, 1 + ARRAY_SIZE(host));
	list_ns = look_ns = 0;
	sweep_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_could_not_be_looked_at_are_told),
		cmocka_unit_test(a_reason_is_of_one_that_is_still_there),
		cmocka_unit_test(one_that_is_looked_at_for_its_reason_may_have_none),
		cmocka_unit_test(a_python_that_does_not_run_is_none),
		cmocka_unit_test(one_that_waits_for_storage_is_looked_at_later),
		cmocka_unit_test(one_that_waits_for_storage_is_watched_as_before),
		cmocka_unit_test(one_that_answers_as_if_it_had_ended_is_told_while_it_lives),
		cmocka_unit_test(one_that_cannot_be_read_any_more_is_told),
		cmocka_unit_test(a_leak_of_one_that_cannot_be_read_now_is_kept),
		cmocka_unit_test(leaks_that_are_left_out_are_told_once),
		cmocka_unit_test(those_who_are_not_meant_are_not_told),
		cmocka_unit_test(nor_is_one_of_another_name_that_cannot_be_opened),
		cmocka_unit_test(they_are_counted_once_however_often_settings_are_read),
		cmocka_unit_test(a_late_one_is_read_as_often_as_the_first),
		cmocka_unit_test(a_list_may_take_longer_than_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Children are counted once each, whatever they become. The kernel and the processes are made up.
 */
#include "unit.h"

#define bpf_map__fd	    number_of
#define bpf_map_lookup_elem look_up
#define bpf_map_update_elem put
#define bpf_map_delete_elem forget
#define proc_list	    list_made_up
#define proc_list_one	    look_made_up
#define proc_open	    open_made_up
#define proc_close	    close_nothing
#define py_finder_has	    is_made_up_python
#include "track/tree.c"

#define PIDS 16
#define OLD  5.0 /* seconds: worth a look */

enum map { TREE = 1, STATS };

static struct tree_bpf skel = {
	.maps = {.tree = (struct bpf_map *)TREE, .tree_stats = (struct bpf_map *)STATS}};
static bool followed[PIDS], python[PIDS];
static uint64_t forks;
static size_t listed; /* by 1: 2, 3 ... */
static int ended;     /* of those, before it is looked at */
static struct proc process;

int number_of(const struct bpf_map *map)
{
	return (int)(intptr_t)map;
}

int look_up(int fd, const void *key, void *value)
{
	if (fd == STATS)
		*(struct pl_tree_stats *)value = (struct pl_tree_stats){.forks = forks};
	return fd == STATS || followed[*(const uint32_t *)key] ? 0 : -ENOENT;
}

int put(int fd, const void *key, const void *value, __u64 flags)
{
	(void)value;
	(void)flags;
	followed[*(const uint32_t *)key] = fd == TREE;
	return 0;
}

int forget(int fd, const void *key)
{
	assert_int_equal(fd, TREE);
	followed[*(const uint32_t *)key] = false;
	return 0;
}

bool look_made_up(int pid, struct proc_entry *out)
{
	*out = (struct proc_entry){.pid = pid, .ppid = 1, .age_s = OLD};
	return pid != ended;
}

int list_made_up(struct proc_entry **out, size_t *n)
{
	*out = calloc(listed + 1, sizeof(**out));
	*n = listed;
	for (size_t i = 0; i < listed; i++)
		(*out)[i] = (struct proc_entry){.pid = (int)i + 2, .ppid = 1, .age_s = OLD};
	return 0;
}

int open_made_up(int pid, struct proc **out)
{
	process.pid = pid;
	*out = &process;
	return 0;
}

void close_nothing(struct proc *p)
{
	(void)p;
}

int is_made_up_python(struct py_finder *f, const struct proc *p)
{
	(void)f;
	return python[p->pid];
}

static void told(struct tree *t, enum pl_tree_what what, unsigned pid, double age_s)
{
	struct pl_tree_event e = {
		.t_ns = clock_ns() - (uint64_t)(age_s * 1e9), .pid = pid, .ppid = 1, .what = what};

	forks += what == PL_TREE_FORK;
	assert_int_equal(on_event(t, &e, sizeof(e)), 0);
}

/* The one that is old enough is handed over, and watched or refused. */
static void meet(struct tree *t, int pid, bool is_watched)
{
	struct tree_child child;

	python[pid] = true;
	assert_true(tree_next(t, &child));
	assert_int_equal(child.pid, pid);
	tree_met(t, &child, is_watched);
}

static void counts_are(struct tree *t, uint64_t started, uint64_t watched, uint64_t short_lived,
		       uint64_t not_python, uint64_t not_watched)
{
	struct tree_counts n;

	tree_count(t, &n);
	assert_int_equal(n.started, started);
	assert_int_equal(n.n[TREE_WATCHED], watched);
	assert_int_equal(n.n[TREE_SHORT_LIVED], short_lived);
	assert_int_equal(n.n[TREE_NOT_PYTHON], not_python);
	assert_int_equal(n.n[TREE_NOT_WATCHED], not_watched);
	assert_true(started >= watched + short_lived + not_python + not_watched);
	assert_int_equal(n.n[TREE_NEW], started - watched - short_lived - not_python - not_watched);
}

static int begin(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	memset(followed, 0, sizeof(followed));
	memset(python, 0, sizeof(python));
	forks = listed = 0;
	ended = 0;
	t->skel = &skel;
	*state = t;
	return 0;
}

static int end(void **state)
{
	struct tree *t = *state;

	t->skel = NULL;
	tree_free(t);
	return 0;
}

static void those_that_were_there_are_children_too(void **state)
{
	struct tree *t = *state;

	listed = 2;
	assert_int_equal(tree_add(t, 1), 0);
	counts_are(t, 2, 0, 0, 0, 0);
	/* but not one that is named itself, whenever that is known */
	assert_int_equal(tree_add(t, 3), 0);
	counts_are(t, 1, 0, 0, 0, 0);
	told(t, PL_TREE_FORK, 4, 0);
	counts_are(t, 2, 0, 0, 0, 0);
}

/* One that ended before it was followed is none: its number may be a stranger's by then. */
static void one_that_has_ended_is_not_followed(void **state)
{
	struct tree *t = *state;

	listed = 2;
	ended = 3;
	assert_int_equal(tree_add(t, 1), 0);
	assert_true(followed[2] && !followed[3]);
	counts_are(t, 1, 0, 0, 0, 0);
}

static void one_that_becomes_another_program_is_one(void **state)
{
	struct tree *t = *state;

	assert_int_equal(tree_add(t, 1), 0);
	told(t, PL_TREE_FORK, 2, OLD);
	meet(t, 2, true);
	told(t, PL_TREE_EXEC, 2, OLD);
	meet(t, 2, true);
	counts_are(t, 1, 1, 0, 0, 0);
	told(t, PL_TREE_EXEC, 2, 0.1); /* it ends at once as that */
	told(t, PL_TREE_EXIT, 2, 0);
	counts_are(t, 1, 1, 0, 0, 0);
	told(t, PL_TREE_FORK, 2, 0); /* the number is another one's now */
	counts_are(t, 2, 1, 0, 0, 0);
}

static void the_last_word_counts(void **state)
{
	struct tree *t = *state;
	struct tree_child child;

	assert_int_equal(tree_add(t, 1), 0);
	told(t, PL_TREE_FORK, 2, OLD); /* a shell */
	assert_false(tree_next(t, &child));
	counts_are(t, 1, 0, 0, 1, 0);
	told(t, PL_TREE_EXEC, 2, OLD);
	counts_are(t, 1, 0, 0, 0, 1); /* waits for a place */
	meet(t, 2, true);
	counts_are(t, 1, 1, 0, 0, 0);
	told(t, PL_TREE_FORK, 3, OLD);
	meet(t, 3, false);
	counts_are(t, 2, 1, 0, 0, 1);
	told(t, PL_TREE_EXEC, 3, 0.1);
	told(t, PL_TREE_EXIT, 3, 0);
	counts_are(t, 2, 1, 1, 0, 0);
}

/* Between the hand-over and its end it becomes another program, or ends. */
static void who_is_being_met_may_change(void **state)
{
	struct tree *t = *state;
	struct tree_child child;

	assert_int_equal(tree_add(t, 1), 0);
	python[2] = python[3] = true;
	told(t, PL_TREE_FORK, 2, OLD);
	assert_true(tree_next(t, &child));
	counts_are(t, 1, 0, 0, 0, 0);
	told(t, PL_TREE_EXEC, 2, 0.1);
	tree_met(t, &child, true);
	told(t, PL_TREE_EXIT, 2, 0);
	counts_are(t, 1, 1, 0, 0, 0);
	told(t, PL_TREE_FORK, 3, OLD);
	assert_true(tree_next(t, &child));
	told(t, PL_TREE_EXIT, 3, 0);
	tree_met(t, &child, false);
	counts_are(t, 2, 1, 0, 0, 1);
	told(t, PL_TREE_FORK, 2, OLD); /* both */
	assert_true(tree_next(t, &child));
	told(t, PL_TREE_EXEC, 2, 0.1);
	told(t, PL_TREE_EXIT, 2, 0);
	counts_are(t, 3, 1, 1, 0, 1);
	tree_met(t, &child, false);
	counts_are(t, 3, 1, 0, 0, 2);
}

static void who_is_named_is_no_child(void **state)
{
	struct tree *t = *state;
	struct tree_child child;

	assert_int_equal(tree_add(t, 1), 0);
	told(t, PL_TREE_EXEC, 1, OLD);
	python[1] = true;
	assert_true(tree_next(t, &child));
	tree_put_back(t, &child);
	counts_are(t, 0, 0, 0, 0, 0);
	meet(t, 1, true);
	counts_are(t, 0, 0, 0, 0, 0);
	told(t, PL_TREE_EXIT, 1, 0);
	counts_are(t, 0, 0, 0, 0, 0);
}

/* It had a session, and exec'ed when nobody was told. */
static void who_was_watched_is_handed_over_again(void **state)
{
	struct tree_child child = {.pid = 1, .fate = TREE_WATCHED, .is_execed = true};
	struct tree *t = *state;

	assert_int_equal(tree_add(t, 1), 0);
	tree_put_back(t, &child);
	assert_int_equal(tree_waiting(t), 1);
	told(t, PL_TREE_EXEC, 1, 0.1); /* again, and this is told */
	assert_int_equal(tree_waiting(t), 1);
	tree_put_back(t, &child);
	assert_false(tree_next(t, &child));
	told(t, PL_TREE_EXEC, 1, OLD);
	meet(t, 1, true);
	assert_int_equal(tree_waiting(t), 0);
	counts_are(t, 0, 0, 0, 0, 0);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(those_that_were_there_are_children_too),
		WITH_TREE(one_that_has_ended_is_not_followed),
		WITH_TREE(one_that_becomes_another_program_is_one),
		WITH_TREE(the_last_word_counts),
		WITH_TREE(who_is_being_met_may_change),
		WITH_TREE(who_is_named_is_no_child),
		WITH_TREE(who_was_watched_is_handed_over_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

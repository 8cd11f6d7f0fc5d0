/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pythons are found by name on a host where a process is stuck: who reads its memory may wait with
 * it, for good. The host is made up. */
#include "unit.h"

#define proc_list     list_all
#define proc_list_one list_one
#define proc_open     open_one
#define proc_close    close_one
#define py_finder_has has_python
#include "sweep/find.c"

enum { NOT, FOR_EVER = 1 << 30 };

static struct {
	int pid;
	const char *comm;
	int stuck; /* looks that find it stuck */
	unsigned opened;
} host[] = {{.pid = 1000000001, .comm = "rsync"}, {.pid = 1000000002, .comm = "python3"}};

static char word[] = "shop.py", *words[] = {word, NULL};
static struct proc of[ARRAY_SIZE(host)];

static void write_entry(size_t i, struct proc_entry *e)
{
	*e = (struct proc_entry){
		.pid = host[i].pid, .ppid = 1000000000, .ns_pid = 7, .rss_bytes = 1 << 20};
	snprintf(e->comm, sizeof(e->comm), "%s", host[i].comm);
}

int proc_list(struct proc_entry **out, size_t *n)
{
	*n = ARRAY_SIZE(host);
	*out = calloc(*n, sizeof(**out));
	assert_non_null(*out);
	for (size_t i = 0; i < *n; i++)
		write_entry(i, *out + i);
	return 0;
}

bool proc_list_one(int pid, struct proc_entry *out)
{
	size_t i = pid == host[1].pid;

	write_entry(i, out);
	out->is_stuck = host[i].stuck > 0;
	host[i].stuck -= out->is_stuck;
	return true;
}

int proc_open(int pid, struct proc **out)
{
	size_t i = pid == host[1].pid;

	host[i].opened++;
	of[i] = (struct proc){.pid = pid, .cmdline = words};
	*out = &of[i];
	return 0;
}

void proc_close(struct proc *p)
{
	(void)p;
}

int py_finder_has(struct py_finder *f, const struct proc *p)
{
	(void)f;
	return p->pid == host[1].pid;
}

static void find(int stuck, int python_stuck, struct sweep_found *out)
{
	struct sweep_opts o = {.uid = -1};
	regex_t name;

	assert_int_equal(regcomp(&name, "shop", REG_EXTENDED), 0);
	o.name = &name;
	host[0].stuck = stuck;
	host[1].stuck = python_stuck;
	host[0].opened = host[1].opened = 0;
	assert_int_equal(sweep_find(&o, out), 0);
	regfree(&name);
}

static void one_that_is_stuck_holds_up_nobody(void **state)
{
	struct sweep_found f;

	(void)state;
	find(NOT, NOT, &f);
	assert_int_equal(f.match.n, 1);
	assert_int_equal(f.others, 1);
	sweep_found_free(&f);
	find(FOR_EVER, NOT, &f);
	assert_int_equal(host[0].opened, 0);
	assert_int_equal(f.match.n, 1);
	assert_int_equal(f.unread, 0); /* it has another name */
	sweep_found_free(&f);
	find(NOT, FOR_EVER, &f);
	assert_int_equal(host[1].opened, 0);
	assert_int_equal(f.match.n, 0);
	assert_int_equal(f.unread, 1);
	assert_non_null(strstr(f.why, "process 1000000002 waits in the kernel"));
	sweep_found_free(&f);
}

static void one_that_waits_for_a_disk_is_found(void **state)
{
	struct sweep_found f;

	(void)state;
	find(FOR_EVER, 3, &f);
	assert_int_equal(f.match.n, 1);
	sweep_found_free(&f);
}

static void nor_is_one_looked_into_that_may_have_been_meant(void **state)
{
	char text[256];

	(void)state;
	host[0].stuck = host[1].stuck = NOT;
	sweep_meant(7, text, sizeof(text));
	assert_non_null(strstr(text, "-p 1000000002 (shop.py"));
	host[1].stuck = FOR_EVER;
	host[1].opened = 0;
	sweep_meant(7, text, sizeof(text));
	assert_int_equal(host[1].opened, 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_stuck_holds_up_nobody),
		cmocka_unit_test(one_that_waits_for_a_disk_is_found),
		cmocka_unit_test(nor_is_one_looked_into_that_may_have_been_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The name of a process on the terminal, by its command line. */
#include "unit.h"

#include "out/term_priv.h"

static void a_process_is_called_by_its_program(void **state)
{
	static const struct {
		const char *comm, *cmdline[8], *want;
	} rows[] = {
		{"python3", {"python3", "/srv/shop/shop.py"}, "pid 7 python3 shop.py"},
		{"python3",
		 {"/usr/bin/python3", "-u", "-W", "ignore", "manage.py", "rqworker", "high"},
		 "pid 7 python3 manage.py rqworker high"},
		{"python3", {"python3", "-m", "shop.web"}, "pid 7 python3 -m shop.web"},
		{"python3", {"python3", "-Im", "shop"}, "pid 7 python3 -Im shop"},
		{"python3", {"python3", "-c", "import secret", "x"}, "pid 7 python3 -c"},
		{"python3", {"python3", "-cimport os; os.stat('/etc/x')"}, "pid 7 python3 -c"},
		{"python3",
		 {"python3", "-Wignore::DeprecationWarning", "-Ximporttime", "app.py"},
		 "pid 7 python3 app.py"},
		{"python3", {"python3", "-bW", "ignore::c", "app.py"}, "pid 7 python3 app.py"},
		{"python3",
		 {"python3", "--check-hash-based-pycs", "always", "app.py"},
		 "pid 7 python3 app.py"},
		{"python3", {"python3"}, "pid 7 python3"},
		{"python3", {NULL}, "pid 7 python3"},
		{NULL, {NULL}, "pid 7 "},
		{"gunicorn",
		 {"/usr/bin/python3", "/usr/bin/gunicorn", "app:wsgi"},
		 "pid 7 gunicorn app:wsgi"},
		{"gunicorn", {"gunicorn: worker [shop]"}, "pid 7 gunicorn: worker [shop]"},
		{"rq: Listening o",
		 {"rq: Listening on default", "", ""},
		 "pid 7 rq: Listening on default"},
		{"p", {"p", "/", ""}, "pid 7 p / "},
		{"python3",
		 {"python3", "worker.py", "--queue=one-that-has-a-very-long-name-indeed"},
		 "pid 7 python3 worker.py --queue=one-that-has-a-very-long-..."},
		{"celery",
		 {"celery: worker1@host-1.example:MainProcess -active- (worker -A shop)"},
		 "pid 7 celery: worker1@host-1.example:MainProcess -active..."},
		/* 19 characters of three bytes each: none of them is cut */
		{"python3",
		 {"python3", "日本日本日本日本日本日本日本日本日本日"},
		 "pid 7 python3 日本日本日本日本日本日本日本..."},
		{"python3",
		 {"python3", "a日本日本日本日本日本日本日本日本日本日"},
		 "pid 7 python3 a日本日本日本日本日本日本日本..."},
		{"python3",
		 {"python3", "ab日本日本日本日本日本日本日本日本日本日"},
		 "pid 7 python3 ab日本日本日本日本日本日本日..."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_process p = {.pid = 7, .comm = rows[i].comm};
		char text[128];

		p.cmdline = (const char **)(uintptr_t)rows[i].cmdline;
		while (rows[i].cmdline[p.n_cmdline])
			p.n_cmdline++;
		term_name(&p, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

static void many_processes_are_counted(void **state)
{
	struct report_process p = {.comm = "gunicorn", .n_members = 3, .unnamed = 4};
	char text[128];

	(void)state;
	term_name(&p, text, sizeof(text));
	assert_string_equal(text, "7 processes of gunicorn");
	p = (struct report_process){.n_members = 1};
	term_name(&p, text, sizeof(text));
	assert_string_equal(text, "1 process");
}

static void a_process_without_a_pid_has_a_name(void **state)
{
	const char *words[] = {"python3", "shop.py"}, *title[] = {"celery: worker"};
	struct report_process p = {.comm = "python3", .cmdline = words, .n_cmdline = 2};
	char text[128];

	(void)state;
	term_name(&p, text, sizeof(text));
	assert_string_equal(text, "python3 shop.py");
	p.cmdline = title;
	p.n_cmdline = 1;
	term_name(&p, text, sizeof(text));
	assert_string_equal(text, "celery: worker");
	p = (struct report_process){.comm = ""};
	term_name(&p, text, sizeof(text));
	assert_string_equal(text, "a process");
}

/* A report says anything: what it calls a process may be longer than the room for its name. */
static void a_name_stays_within_its_room(void **state)
{
	const char *words[] = {"python3", "-c", "x"};
	char comm[301], text[128 + 1] = {0};
	struct report_process p = {.pid = 7, .comm = comm, .cmdline = words};

	(void)state;
	memset(comm, 'n', 300);
	comm[300] = '\0';
	for (p.n_cmdline = 0; p.n_cmdline <= 3; p.n_cmdline++) {
		text[128] = '!';
		term_name(&p, text, 128);
		assert_int_equal(text[128], '!');
		assert_int_equal(strlen(text), 127);
		assert_string_equal(text + 124, "...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_called_by_its_program),
		cmocka_unit_test(many_processes_are_counted),
		cmocka_unit_test(a_process_without_a_pid_has_a_name),
		cmocka_unit_test(a_name_stays_within_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

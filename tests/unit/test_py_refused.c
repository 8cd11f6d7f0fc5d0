/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that run no CPython that is known, and data that is none of any. Live ones are read by
 * test_py_live. */
#include "py/py_priv.h"

#include "unit/noise.h"
#include "unit/self.h"

#include <glob.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_refusal(const char *program, const char *arg, const char *want)
{
	struct py_runtime *rt;
	struct proc *p = NULL;
	pid_t pid;

	if (access(program, X_OK))
		return;
	pid = fork();
	if (!pid) {
		execl(program, program, strcmp(arg, "100") ? "-c" : arg,
		      strcmp(arg, "100") ? arg : NULL, NULL);
		_exit(127);
	}
	/* Until it has exec'ed and loaded what it is made of. */
	for (uint64_t end = clock_ns() + 5000000000u; clock_ns() < end;) {
		assert_int_equal(proc_open(pid, &p), 0);
		assert_true(py_open(p, &rt) < 0);
		if (strstr(fail_text(), want))
			break;
		proc_close(p);
		p = NULL;
		usleep(5000);
	}
	if (!p)
		fail_msg("%s: '%s' does not say '%s'", program, fail_text(), want);
	proc_close(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const char code[] = "import time; time.sleep(100)";
	const char *home = getenv("HOME");
	char pattern[512];
	glob_t g = {0};

	(void)state;
	check_refusal("/bin/sleep", "100", "is not a CPython: no mapped file defines _PyRuntime");
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/[23].*/bin/python[23].[67]",
		 home ? home : "");
	glob(pattern, 0, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_refusal(g.gl_pathv[i], code, "which is too old: 3.8 to 3.15 are supported");
	globfree(&g);
}

/* This program is its own CPython of a kind that must be refused: the head of _Py_DebugOffsets. */
struct {
	char cookie[8];
	uint64_t version, free_threaded, rest[200];
} _PyRuntime = {.cookie = "xdebugpy"};

static void check_own_refusal(uint64_t version, uint64_t free_threaded, const char *want)
{
	struct py_runtime *rt;
	struct proc *p;
	pid_t pid;
	int err;

	_PyRuntime.version = version;
	_PyRuntime.free_threaded = free_threaded;
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(proc_open(pid, &p), 0);
	err = py_open(p, &rt);
	proc_close(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(err, -ENOTSUP);
	if (!strstr(fail_text(), want))
		fail_msg("'%s' does not say '%s'", fail_text(), want);
}

static void refuses_kinds_by_what_they_say(void **state)
{
	static const struct {
		uint64_t version, free_threaded;
		const char *want;
	} rows[] = {
		{0x030d05f0, 1, "describes its layout in a way that this program does not know"},
		{0x030f02f0, 1, "free-threaded CPython 3.15.2: of free-threaded builds 3.13 and"},
		{0x030d05f0, 0, "describes its layout in a way that this program does not know"},
		{0x031000a3, 0, "runs CPython 3.16.0a3, which is newer than this program knows"},
		{0x04000000, 0, "3.8 to 3.15 are supported"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_own_refusal(rows[i].version, rows[i].free_threaded, rows[i].want);
}

/* Below the program: libraries lie like that when much is mapped after them. */
static void finds_python_behind_many_files(void **state)
{
	const size_t n = 5000, page = 4096;
	char *at = mmap((void *)0x200000000, n * page, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	for (size_t i = 0; i < n; i++) {
		auto_close int fd = memfd_create("data", MFD_CLOEXEC);

		assert_true(fd >= 0);
		assert_ptr_equal(
			mmap(at + i * page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0),
			at + i * page);
	}
	check_own_refusal(0x031000a3, 0, "runs CPython 3.16.0a3");
	munmap(at, n * page);
}

#define FORGED 4096 /* words */

static void forge(uint64_t *w, struct py_runtime *rt)
{
	for (size_t i = 0; i < FORGED; i++) {
		uint64_t r = (uint64_t)random() << 31 ^ (uint64_t)random();

		switch (random() % 6) {
		case 0: /* a pointer to somewhere here */
		case 1:
			w[i] = (uintptr_t)&w[r % FORGED];
			break;
		case 2:
			w[i] = (uintptr_t)w; /* the type that everything is */
			break;
		case 3:
			w[i] = r % 300;
			break;
		case 4:
			w[i] = r << 32 | (r >> 32);
			break;
		default:
			w[i] = r & 0xffff0000ffff;
		}
	}
	rt->code_type = rt->unicode_type = rt->type_type = (uintptr_t)w;
	w[rt->layout.tp_flags / 8] = ~0ull;
	w[1] = (uintptr_t)w;
}

static void survives_forged_objects(void **state)
{
	struct py_private priv = {0};
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self, .priv = &priv};
	uint64_t *w =
		mmap(NULL, FORGED * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int rounds = getenv("PYTHON") ? 8 : 24; /* each layout once, or three times */

	(void)state;
	assert_ptr_not_equal(w, MAP_FAILED);
	assert_int_equal(dso_open("/proc/self/exe", &rt.dso), 0);
	srandom(13);
	for (int round = 0; round < rounds; round++) {
		uint64_t threads[8], full;
		bool enabled;

		priv.build = py_table(py_last_minor() - round % 8);
		rt.minor = priv.build.minor;
		rt.layout = priv.build.layout;
		rt.walk = priv.build.walk;
		forge(w, &rt);
		rt.runtime = (uintptr_t)&w[100];
		rt.bias = 0;
		for (size_t i = 0; i < FORGED; i += 64)
			py_try_address(&rt, (uintptr_t)&w[i]);
		py_threads(&rt, threads, ARRAY_SIZE(threads));
		py_full_collections(&rt, &full);
		py_gc_enabled(&rt, &enabled);
		py_find_gc(&rt);
		/* Looks again and again at what stays wrong. */
		if (round < 16)
			py_find_gilstate(&rt);
	}
	dso_close(rt.dso);
	munmap(w, FORGED * 8);
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_kinds_by_what_they_say),
		cmocka_unit_test(finds_python_behind_many_files),
		cmocka_unit_test(survives_forged_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

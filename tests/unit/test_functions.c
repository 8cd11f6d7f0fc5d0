/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of functions in C as CPython has them, against its own symbols where a build has some. */
#include "py/functions.h"
#include "unit.h"

#include <glob.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
	const struct proc *proc;
	const char *python;
	struct dso *dso;
	uint64_t bias;
	bool has_symbols, has_update, has_crc32, has_deque, has_slot;
	size_t n, begins, elsewhere;
};

static void see(uint64_t addr, const char *name, const char *module, void *ctx)
{
	struct seen *s = ctx;
	const struct proc_map *m = proc_find_map(s->proc, addr);
	struct dso_sym sym;
	const char *symbol;

	assert_non_null(m);
	assert_true(m->executable);
	s->n++;
	s->has_update |= !module && !strcmp(name, "dict.update");
	s->has_crc32 |= module && !strcmp(module, "zlib") && !strcmp(name, "crc32");
	s->has_deque |= module && !strcmp(module, "_collections") && !strcmp(name, "deque.append");
	s->has_slot |= module && !strcmp(module, "_collections") && !strcmp(name, "deque.__init__");
	/* All classes have the same functions there. */
	if (!strncmp(name, "Made.", 5) || strstr(name, "DecimalTuple."))
		fail_msg("%s.%s", module ? module : "", name);
	if (module && !strcmp(module, "_decimal") && !strcmp(m->path, s->python))
		fail_msg("%s is not of _decimal's file", name);
	if (!s->has_symbols || dso_function_at(s->dso, addr - s->bias, &sym, &symbol))
		s->elsewhere++; /* in an extension's own file */
	else if (sym.addr == addr - s->bias)
		s->begins++;
	else
		fail_msg("%s.%s is in the middle of %s", module ? module : "", name, symbol);
}

static uint64_t bytes_read(const struct proc *p)
{
	struct proc_reads r;

	proc_reads(p, &r);
	return r.bytes;
}

static void check(const char *python)
{
	int ready[2];
	uint64_t bytes;
	struct py_runtime *rt;
	struct proc *p;
	struct seen s = {0};
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ready[1], STDOUT_FILENO);
		execl(python, python, "-c",
		      "import zlib, collections, _decimal, itertools, sys, time\n"
		      "class Made:\n"
		      "  def __init__(self): pass\n"
		      "  def __call__(self): pass\n"
		      "  def __get__(self, o, t): pass\n"
		      "_decimal.Made = itertools.Made = Made\n"
		      "_decimal.chain = itertools.chain\n"
		      "sys.stdout.write('r')\n"
		      "sys.stdout.flush()\n"
		      "time.sleep(60)",
		      (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1 && !proc_open(pid, &p)) {
		assert_int_equal(py_open(p, &rt), 0);
		s.proc = p;
		s.python = rt->name;
		s.dso = rt->dso;
		s.bias = rt->bias;
		s.has_symbols = dso_has_symtab(rt->dso);
		bytes = bytes_read(p);
		py_functions(rt, see, &s);
		bytes = bytes_read(p) - bytes;
		print_message("%5zu functions in %llu bytes, %zu at a symbol: %s\n", s.n,
			      (unsigned long long)bytes, s.begins, python);
		assert_true(s.n > 1000 && s.has_update && s.has_crc32 && s.has_deque && s.has_slot);
		assert_true(!s.has_symbols || s.begins > 800);
		assert_true(bytes < 220 * s.n); /* with all keys it is 224 to 283 */
		py_close(rt);
		proc_close(p);
	}
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void each(const char *pattern)
{
	glob_t g;

	if (!glob(pattern, GLOB_TILDE, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			check(g.gl_pathv[i]);
	globfree(&g);
}

static void names_are_those_of_functions(void **state)
{
	(void)state;
	each("/usr/bin/python3.11");
	each("~/.pyenv/versions/3.[89]*/bin/python3");
	each("~/.pyenv/versions/3.1*/bin/python3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

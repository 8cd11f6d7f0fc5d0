/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of files that stand in debug information: of what several files share, and of the rest of a
 * split unit. libdw would open them whatever they are, and wait for the other end of a FIFO. */
#include "sym/sym_priv.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char dir[64];
static bool leaves_lines;

static void sh(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	assert_int_equal(system(line), 0);
}

/* In a process of its own, for the library stays. Exit status 0: it has its name, 2: and its line.
 */
static int name_it(void)
{
	char path[96];
	const struct sym_frame *f;
	struct sym_pc pc;
	struct proc *p;
	struct sym *s;
	void *at, **there;
	size_t n;

	alarm(10);
	snprintf(path, sizeof(path), "%s/named.so", dir);
	at = dlopen(path, RTLD_NOW);
	there = at ? dlsym(at, "there") : NULL;
	at = there ? *there : at ? dlsym(at, "named") : NULL;
	if (!at || proc_open(getpid(), &p) || sym_open(p, &s))
		return 10;
	if (leaves_lines)
		sym_leave_lines(s, path);
	if (!sym_locate(s, (uintptr_t)at + 4, &pc))
		return 10;
	n = sym_names(s, &pc, &f);
	if (n != 1 || !f[0].function || strcmp(f[0].function, "named") != 0)
		return 11;
	return f[0].file && strstr(f[0].file, "named.c") && f[0].line == 2 ? 2 : 0;
}

static int names(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(name_it());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void with_lines(void **state)
{
	(void)state;
	sh("gcc -g -fPIC -shared named.c -o named.so");
	assert_int_equal(names(), 2);
}

/* As of the interpreter: of what has a symbol, the debug information is not read. */
static void without_lines(void **state)
{
	(void)state;
	leaves_lines = true;
	sh("gcc -g -fPIC -shared named.c -o named.so");
	assert_int_equal(names(), 0);
	leaves_lines = false;
}

/* Its symbols are in a file of their own, which has no debug information to be read. */
static void symbols_elsewhere(void **state)
{
	(void)state;
	leaves_lines = true;
	sh("printf 'int x;\\nstatic void named(void) { x++; }\\nvoid (*there)(void) = named;\\n' > "
	   "named.c && "
	   "id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' ') && d=/usr/lib/debug/.build-id/$(echo "
	   "$id | cut -c-2) && "
	   "gcc -fPIC -shared -Wl,--build-id=0x$id named.c -o named.so && mkdir -p $d && "
	   "echo $d/$(echo $id | cut -c3-).debug > named.at && objcopy --only-keep-debug named.so "
	   "$(cat named.at) && "
	   "strip -s named.so");
	assert_int_equal(names(), 0);
	sh("rm $(cat named.at) && rmdir --ignore-fail-on-non-empty $(dirname $(cat named.at))");
	leaves_lines = false;
}

static void what_is_shared(void **state)
{
	(void)state;
	/* DW_FORM_strp becomes DW_FORM_GNU_strp_alt. */
	sh("gcc -S -g -dA -fPIC named.c && sed -i '/DW_FORM_strp/s/0xe\\t/0x1f21\\t/' named.s && "
	   "grep -q 0x1f21 named.s && { echo '.section .gnu_debugaltlink,\"\",@progbits'; "
	   "echo \".string \\\"$PWD/fifo\\\"\"; echo '.fill 20, 1, 0x5a'; } >> named.s && "
	   "gcc -shared named.s -o named.so");
	assert_int_equal(names(), 0);
}

static void a_split_unit(void **state)
{
	(void)state;
	/* Without a table of addresses all units are looked at. The lines are in the head. */
	sh("gcc -c -g -gsplit-dwarf -fPIC named.c && ln -sf fifo named.dwo && "
	   "gcc -shared named.o -o named.so && objcopy --remove-section .debug_aranges named.so");
	assert_int_equal(names(), 2);
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/pyleak-sym-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	sh("printf 'int x;\\nvoid named(void) { x++; }\\n' > named.c && mkfifo fifo");
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	sh("rm -f named.* fifo && rmdir $PWD");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_lines),	     cmocka_unit_test(without_lines),
		cmocka_unit_test(what_is_shared),    cmocka_unit_test(a_split_unit),
		cmocka_unit_test(symbols_elsewhere),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

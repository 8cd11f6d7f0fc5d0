/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Debug information in files that gcc and clang make. Names of files that stand there, of what
 * several files share and of the rest of a split unit: libdw would open them whatever they are, and
 * wait for the other end of a FIFO. Sizes and searches that have no bounds. */
#include "sym/sym_priv.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/self.h"

static char dir[64];
static bool leaves_lines, is_inlined;

static void sh(const char *command)
{
	char line[2048];

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
	if (n != 1 + (size_t)is_inlined)
		return 11;
	f += is_inlined;
	if (!f->function || strcmp(f->function, "named") != 0)
		return 11;
	return f->file && strstr(f->file, "named.c") && f->line == 2 ? 2 : 0;
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

/* clang calls the unit's own file number 0, as DWARF 5 does. */
static void what_is_inlined_into_the_units_own_file(void **state)
{
	(void)state;
	is_inlined = true;
	sh("{ echo 'int x; static inline __attribute__((always_inline)) void in(void) { x++; }'; "
	   "echo 'void named(void) { in(); }'; } > named.c && "
	   "clang -gdwarf-5 -O1 -fPIC -shared named.c -o named.so");
	assert_int_equal(names(), 2);
	is_inlined = false;
}

/* To look at all ranges of all functions would take a minute. */
static void a_search_that_takes_too_long(void **state)
{
	(void)state;
	sh("cat > named.s << 'END'\n"
	   ".globl named\n"
	   ".type named, @function\n"
	   "named: .fill 15, 1, 0x90\n"
	   "ret\n"
	   ".section .note.GNU-stack,\"\",@progbits\n"
	   ".size named, 16\n"
	   ".section .debug_abbrev\n"
	   ".byte 1, 0x11, 1, 0x11, 1, 0x12, 7, 0, 0\n" /* a unit: from, size */
	   ".byte 2, 0x2e, 0, 0x55, 0x17, 0, 0, 0\n"	/* a function: its ranges */
	   ".section .debug_info\n"
	   ".long end - begin\n"
	   "begin: .short 4\n"
	   ".long 0\n"
	   ".byte 8, 1\n"
	   ".quad named, 16\n"
	   ".rept 4000\n"
	   ".byte 2\n"
	   ".long 0\n"
	   ".endr\n"
	   ".byte 0\n"
	   "end:\n"
	   ".section .debug_ranges\n"
	   ".rept 500000\n"
	   ".quad 1, 2\n"
	   ".endr\n"
	   ".quad 0, 0\n"
	   "END\n"
	   "gcc -shared named.s -o named.so");
	assert_int_equal(names(), 0);
}

static struct dso *open_named(const char *name, bool of_others)
{
	static uint8_t image[1 << 20];
	uint8_t *v = malloc(sizeof(image));
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)v;
	char path[96];
	struct dso *d;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_non_null(v);
	n = read(fd, v, sizeof(image));
	close(fd);
	assert_in_range(n, sizeof(*eh), sizeof(image) - 1);
	for (size_t i = 0; of_others && i < eh->e_shnum; i++) {
		Elf64_Shdr *sh = (Elf64_Shdr *)(v + eh->e_shoff) + i;

		if (sh->sh_type == SHT_PROGBITS && !(sh->sh_flags & SHF_ALLOC))
			sh->sh_type = SHT_LOUSER;
	}
	assert_int_equal(dso_open_bytes(name, v, (size_t)n, &d), 0);
	return d;
}

/* libdw reads and inflates them by their names. */
static void debug_sections_have_any_type(void **state)
{
	struct dso *d;

	(void)state;
	sh("gcc -g -fPIC -shared named.c -o named.so && "
	   "objcopy --rename-section .debug_info=.zdebug_info named.so named.z.so");
	for (int of_others = 0; of_others < 2; of_others++) {
		d = open_named("named.so", of_others);
		assert_false(sym_debug_too_large(d, 1 << 20));
		assert_true(sym_debug_too_large(d, 64));
		dso_close(d);
	}
	d = open_named("named.z.so", false);
	assert_true(sym_debug_too_large(d, 1 << 20));
	dso_close(d);
}

/* Without descriptors a file cannot be opened: later it can. */
static void a_file_is_tried_again(void **state)
{
	struct rlimit was, none;
	struct sym_pc pc;
	struct proc *p;
	struct sym *s;

	(void)state;
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(sym_open(p, &s), 0);
	sym_refresh(s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(sym_locate(s, (uintptr_t)a_file_is_tried_again, &pc));
	assert_null(s->file[pc.file]->dso);
	assert_null(sym_file_cfi(s->file[pc.file]));
	assert_int_equal(sym_stats(s)->files_refused, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	s->read_ns = 0;
	sym_refresh(s);
	assert_true(sym_locate(s, (uintptr_t)a_file_is_tried_again, &pc));
	assert_non_null(s->file[pc.file]->dso);
	assert_non_null(sym_file_cfi(s->file[pc.file]));
	assert_int_equal(sym_stats(s)->files_refused, 0);
	sym_close(s);
	proc_close(p);
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
		cmocka_unit_test(with_lines),
		cmocka_unit_test(without_lines),
		cmocka_unit_test(what_is_shared),
		cmocka_unit_test(a_split_unit),
		cmocka_unit_test(symbols_elsewhere),
		cmocka_unit_test(debug_sections_have_any_type),
		cmocka_unit_test(a_search_that_takes_too_long),
		cmocka_unit_test(what_is_inlined_into_the_units_own_file),
		cmocka_unit_test(a_file_is_tried_again),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

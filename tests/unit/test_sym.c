/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unwinding and names on this very program, on damaged files and on names that explode. */
#include "dso/dso_priv.h"
#include "sym/sym_priv.h"
#include "unit/self.h"

#include <dwarf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <ucontext.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

/* With sanitizers: what the libraries lose over damaged files is theirs. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libelf\nleak:libdw\n";
}

/* ---- our own stack ---- */

static struct {
	struct sym_copy copy;
	uint8_t stack[1 << 16];
} taken;

/* Registers and stack as they are here; the stack is large enough below main. */
static APART void take_stack(void)
{
	static const int order[SYM_REGS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
					    REG_RBP, REG_RSP, REG_R8,  REG_R9,	REG_R10, REG_R11,
					    REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
	struct proc *self = self_open();
	ucontext_t u;
	uint64_t end;

	getcontext(&u);
	for (int i = 0; i < SYM_REGS; i++)
		taken.copy.reg[i] = (uint64_t)u.uc_mcontext.gregs[order[i]];
	taken.copy.known = (1u << SYM_REGS) - 1;
	taken.copy.start = taken.copy.reg[SYM_RSP] & -4096ull;
	taken.copy.data = taken.stack;
	taken.copy.len = 0;
	for (end = taken.copy.start; taken.copy.len < sizeof(taken.stack); end += 4096) {
		if (proc_read(self, end, taken.stack + taken.copy.len, 4096))
			break;
		taken.copy.len += 4096;
	}
	proc_close(self);
	__asm__ volatile("" ::: "memory");
}

static APART void unwound_inner(void (*f)(void))
{
	f();
	__asm__ volatile("" ::: "memory");
}

static APART void unwound_outer(void (*f)(void))
{
	char room[3000];

	memset(room, 1, sizeof(room));
	__asm__ volatile("" ::"r"(room) : "memory");
	unwound_inner(f);
	__asm__ volatile("" ::"r"(room) : "memory");
}

static struct sym *open_self(struct proc **p)
{
	struct sym *s;

	assert_int_equal(proc_open(getpid(), p), 0);
	assert_int_equal(sym_open(*p, &s), 0);
	return s;
}

static size_t find(struct sym *s, const struct sym_pc *pc, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const struct sym_frame *f;
		size_t k = sym_names(s, &pc[i], &f);

		if (f[k - 1].function && !strcmp(f[k - 1].function, name))
			return i;
	}
	fail_msg("no frame of %s among %zu", name, n);
	return 0;
}

static void unwinds_itself_to_the_end(void **state)
{
	struct sym_pc pc[SYM_MAX_FRAMES];
	const struct sym_frame *f;
	enum sym_end end;
	struct proc *p;
	struct sym *s;
	size_t n, k;

	(void)state;
	unwound_outer(take_stack);
	s = open_self(&p);
	n = sym_unwind(s, &taken.copy, pc, SYM_MAX_FRAMES, &end);
	assert_int_equal(end, SYM_END_OUTERMOST);
	assert_int_equal(find(s, pc, n, "take_stack"), 0);
	assert_int_equal(find(s, pc, n, "unwound_inner"), 1);
	assert_int_equal(find(s, pc, n, "unwound_outer"), 2);
	assert_true(find(s, pc, n, "main") > 3);
	/* with the line of the call, and the second time without any work */
	k = sym_names(s, &pc[1], &f);
	assert_true(f[k - 1].file && strstr(f[k - 1].file, "test_sym.c") && f[k - 1].line > 50);
	assert_ptr_equal((sym_names(s, &pc[1], &f), f[0].function), f[0].function);
	assert_int_equal(sym_stats(s)->stacks, 1);
	sym_close(s);
	proc_close(p);
}

static void on_signal(int sig)
{
	(void)sig;
	take_stack();
	__asm__ volatile("" ::: "memory");
}

static APART void raises(void)
{
	raise(SIGUSR1);
	__asm__ volatile("" ::: "memory");
}

static void unwinds_through_signal_frames(void **state)
{
	struct sym_pc pc[SYM_MAX_FRAMES];
	enum sym_end end;
	struct proc *p;
	struct sym *s;
	size_t n;

	(void)state;
	signal(SIGUSR1, on_signal);
	unwound_outer(raises);
	s = open_self(&p);
	n = sym_unwind(s, &taken.copy, pc, SYM_MAX_FRAMES, &end);
	assert_int_equal(end, SYM_END_OUTERMOST);
	assert_int_equal(find(s, pc, n, "on_signal"), 1);
	assert_true(find(s, pc, n, "raises") > 2);
	assert_true(find(s, pc, n, "unwound_inner") == find(s, pc, n, "raises") + 1);
	sym_close(s);
	proc_close(p);
}

static void a_short_copy_ends_the_stack(void **state)
{
	struct sym_pc whole[SYM_MAX_FRAMES], part[SYM_MAX_FRAMES];
	size_t n, full = taken.copy.len, before = 0;
	enum sym_end end;
	struct proc *p;
	struct sym *s;

	(void)state;
	unwound_outer(take_stack);
	full = taken.copy.len;
	s = open_self(&p);
	n = sym_unwind(s, &taken.copy, whole, SYM_MAX_FRAMES, &end);
	for (size_t len = 0; len <= full; len += 64) {
		size_t k;

		taken.copy.len = len;
		k = sym_unwind(s, &taken.copy, part, SYM_MAX_FRAMES, &end);
		assert_true(k >= before && k <= n);
		assert_true(end == SYM_END_COPY || k == n);
		for (size_t i = 0; i < k; i++)
			assert_true(part[i].pc == whole[i].pc && part[i].addr == whole[i].addr);
		before = k;
	}
	assert_int_equal(sym_unwind(s, &taken.copy, part, 3, &end), 3);
	assert_int_equal(end, SYM_END_LONG);
	sym_close(s);
	proc_close(p);
}

/* Whatever lies on the stack: an end, and only addresses of code. */
static void random_stacks_end(void **state)
{
	struct sym_pc pc[SYM_MAX_FRAMES];
	uint64_t random = 4711;
	enum sym_end end;
	struct proc *p;
	struct sym *s;

	(void)state;
	s = open_self(&p);
	unwound_outer(take_stack);
	for (int round = 0; round < 2000; round++) {
		size_t n;

		for (int i = 0; i < 40; i++) {
			uint64_t at = random_next(&random) % (taken.copy.len - 8), v;

			v = random_next(&random) & 1 ? random_next(&random)
						     : taken.copy.start + at % 4096;
			memcpy(taken.stack + (at & -8ull), &v, 8);
		}
		n = sym_unwind(s, &taken.copy, pc, SYM_MAX_FRAMES, &end);
		assert_true(n >= 1 && n <= SYM_MAX_FRAMES);
	}
	sym_close(s);
	proc_close(p);
}

/* ---- names ---- */

static void check_name(const char *mangled, const char *want)
{
	auto_free char *name = sym_demangle(mangled);

	assert_non_null(name);
	assert_string_equal(name, want);
}

static size_t segments_held(const struct dso *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_segs; i++)
		n += d->segs[i].data != NULL;
	return n;
}

/* Functions without a symbol are looked for in the code of their file, which is megabytes. */
static void code_is_given_back(void **state)
{
	struct proc *p;
	struct sym *s = open_self(&p);
	struct dso_range fn;
	struct sym_pc at;
	struct dso *d;
	uint64_t depth;
	size_t n;

	(void)state;
	assert_true(sym_locate(s, (uintptr_t)unwound_outer, &at));
	d = s->file[at.file]->dso;
	assert_int_equal(dso_frame_at(d, at.addr, &fn, &depth), 0);
	assert_int_equal(segments_held(d), 0);
	assert_non_null(dso_bytes(d, at.addr, &n));
	assert_true(segments_held(d) > 0);
	sym_rest(s, false);
	assert_int_equal(segments_held(d), 0);
	sym_close(s);
	proc_close(p);
}

static void names_are_made_readable(void **state)
{
	auto_free char *text = NULL, *bomb = malloc(4000);

	(void)state;
	check_name("plain_c", "plain_c");
	check_name("take.isra.0", "take");
	check_name("take.part.3.cold", "take");
	check_name("_ZN4shop5CacheIdE3addEm", "shop::Cache<double>::add");
	check_name("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
		   "core::fmt::Write::write_fmt");
	check_name("_RNvC6_123foo3bar", "123foo::bar");
	/* what is long is cut where it says least */
	check_name("_ZNK3pyb3keyltERKS0_", "pyb::key::operator<");
	check_name("_ZZN3pyb4initISt3mapINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESt6vec"
		   "torIiSaIiEESt4lessIS7_ESaISt4pairIKS7_SA_EEES8_IS7_SaIS7_EEJiEE10initializeISt8"
		   "functionIFvRSH_EEEEPvT_ENKUlSN_E_clESN_",
		   "pyb::init<...>::initialize<...>::{lambda#1}::operator()");
	/* Cython's: a number comes before the name of what Python calls */
	check_name("__pyx_pw_5cymod_1on_tick", "cymod.on_tick");
	check_name("__pyx_pw_5cymod_4Book_3feed", "cymod.Book.feed");
	check_name("__pyx_pw_5cymod_1a_b.isra.0", "cymod.a_b");
	check_name("__pyx_pw_3pkg_4mods_13run", "pkg.mods.run");
	check_name("__pyx_f_5cymod_4Book_feed", "cymod.Book.feed");
	check_name("__pyx_f_5cymod_make", "cymod.make");
	check_name("__pyx_pw_5cymod_on", "__pyx_pw_5cymod_on");
	check_name("__pyx_pw_9cymod_1on", "__pyx_pw_9cymod_1on");
	check_name("__pyx_pw_5cymod_3get_2d", "cymod.get_2d");
	check_name("__pyx_pw_5cymod_3Foo_1bar", "cymod.Foo.bar");
	check_name("__pyx_pw_5cymod_3fft_1d", "__pyx_pw_5cymod_3fft_1d");
	check_name("__pyx_pw_3pkg_4part_1run.part.0", "pkg.part.run");
	check_name("__pyx_f_5cymod_cold_start.cold", "cymod.cold_start");
	check_name("__pyx_f_make", "__pyx_f_make");
	check_name("__pyx_f_99999999999999999999x_a", "__pyx_f_99999999999999999999x_a");
	check_name("_Z", "_Z");
	check_name("_ZN", "_ZN");
	/* each level doubles the text of the one before */
	assert_non_null(bomb);
	strcpy(bomb, "_Z1fSt4pairIiiE");
	for (int i = 0; i < 400; i++)
		sprintf(bomb + strlen(bomb), "S%c_", i % 10 ? '0' + i % 10 : 'A');
	text = sym_demangle(bomb);
	assert_true(text && strlen(text) < 5000);
	memset(bomb, 'I', 3999);
	memcpy(bomb, "_Z", 2);
	bomb[3999] = 0;
	free(text);
	text = sym_demangle(bomb);
	assert_non_null(text);
}

static void expressions_are_bounded(void **state)
{
	struct sym_regs regs = {.known = 1u << SYM_RSP};
	uint8_t memory[64] = {0};
	struct sym_copy copy = {.start = 0x1000, .data = memory, .len = sizeof(memory)};
	struct sym_eval e = {.regs = &regs, .memory = &copy};
	Dwarf_Op loop[] = {{.atom = DW_OP_lit1, .offset = 0},
			   {.atom = DW_OP_skip, .offset = 1, .number = (Dwarf_Word)-4}};
	Dwarf_Op far[] = {{.atom = DW_OP_breg7, .number = 64}};
	Dwarf_Op unknown[] = {{.atom = DW_OP_breg3}};
	uint64_t v;

	(void)state;
	regs.v[SYM_RSP] = 0x1000;
	assert_false(sym_eval(&e, loop, ARRAY_SIZE(loop), false, &v));
	assert_true(sym_eval(&e, far, 1, false, &v) && v == 0x1040);
	assert_false(sym_eval(&e, far, 1, true, &v) || !e.is_outside);
	assert_false(sym_eval(&e, unknown, 1, false, &v));
	assert_false(sym_eval(&e, unknown, 0, false, &v));
}

/* ---- damaged files ---- */

#define DAMAGES 1000

static char dir[] = "/tmp/pyleak-test-sym-XXXXXX";

static const char source[] =
	"static inline __attribute__((always_inline)) int twice(int x) { return 2 * x; }\n"
	"static __attribute__((noinline)) int hidden(volatile int *p) { return twice(*p) + *p; }\n"
	"int shown(volatile int *p) { char room[200]; room[*p] = 1;\n"
	"	return hidden(p) + room[*p / 2]; }\n";

static int make_library(void **state)
{
	char path[64], command[256];
	FILE *f;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.c", dir);
	f = fopen(path, "w");
	if (!f)
		return -1;
	fputs(source, f);
	fclose(f);
	snprintf(command, sizeof(command), "gcc -g -O2 -fPIC -shared -o %s/a.so %s/a.c", dir, dir);
	return system(command);
}

static int remove_library(void **state)
{
	char path[64];

	(void)state;
	for (const char *const *name = (const char *const[]){"a.c", "a.so", "b.so", NULL}; *name;
	     name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		unlink(path);
	}
	return rmdir(dir);
}

static uint8_t *read_library(size_t *n)
{
	char path[64];
	struct stat st;
	uint8_t *v;
	int fd;

	snprintf(path, sizeof(path), "%s/a.so", dir);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && !fstat(fd, &st));
	*n = (size_t)st.st_size;
	v = malloc(*n);
	assert_true(v && read(fd, v, *n) == st.st_size);
	close(fd);
	return v;
}

/* Everything that is ever asked of a file. Returns how many names with a line it gave. */
static size_t use_file(const uint8_t *image, size_t n, uint64_t *random)
{
	struct proc p = {.pid = getpid(), .pidfd = -1};
	struct proc_map m = {.start = 0x10000, .end = 0x20000, .executable = true};
	struct sym_stats stats = {0};
	struct sym_file *f;
	struct dso_range fn;
	struct stat st;
	char path[64];
	uint64_t depth;
	size_t lines = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/b.so", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, image, n) == (ssize_t)n && !fstat(fd, &st));
	close(fd);
	m.path = path;
	m.inode = st.st_ino;
	m.dev = (uint32_t)(major(st.st_dev) << 20 | minor(st.st_dev));
	assert_int_equal(sym_file_open(&p, &m, &f), 0);
	for (uint64_t at = 0x1000; at < 0x1200 && f->dso; at += 1 + random_next(random) % 40) {
		Dwarf_CFI *cfi[] = {sym_file_cfi(f), sym_file_debug_cfi(f)};

		const struct sym_names_of *names = sym_file_names(f, at, &stats);

		lines += names && names->v[0].function && names->v[0].line;
		dso_frame_at(f->dso, at, &fn, &depth);
		for (int i = 0; i < 2; i++) {
			Dwarf_Frame *frame = NULL;
			Dwarf_Op mem[3], *ops;
			size_t k;

			if (!cfi[i] || dwarf_cfi_addrframe(cfi[i], at, &frame))
				continue;
			dwarf_frame_cfa(frame, &ops, &k);
			for (int reg = 0; reg < SYM_REGS; reg++)
				dwarf_frame_register(frame, reg, mem, &ops, &k);
			free(frame);
		}
	}
	sym_file_mini(f);
	sym_file_close(f);
	return lines;
}

static void damaged_files_are_survived(void **state)
{
	const char *more = getenv("PYLEAK_FUZZ_ROUNDS");
	long rounds = more ? atol(more) : DAMAGES;
	uint64_t random = 0x9e3779b97f4a7c15ull;
	size_t n;
	auto_free uint8_t *good = read_library(&n), *bad = malloc(n);

	(void)state;
	assert_non_null(bad);
	assert_true(use_file(good, n, &random) > 0);
	for (long round = 0; round < rounds; round++) {
		size_t len = n;

		memcpy(bad, good, n);
		for (uint64_t k = random_next(&random) % 12; k--;) {
			static const uint64_t odd[] = {0,    1,	     0x7f,	 0xff,
						       0x80, 0xffff, 0x7fffffff, UINT64_MAX};
			uint64_t v = random_next(&random);
			/* the headers at both ends more often than the rest */
			size_t at = v % 4 ? v / 8 % n : v & 4 ? v / 8 % 1000 : n - 1 - v / 8 % 2400;

			if (random_next(&random) & 1)
				bad[at] ^= (uint8_t)(1 << v % 7);
			else
				memcpy(bad + at, &odd[v / 16 % ARRAY_SIZE(odd)],
				       n - at < 8 ? n - at : 1u << (v >> 40) % 4);
		}
		if (random_next(&random) % 10 == 0)
			len = random_next(&random) % n;
		use_file(bad, len, &random);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwinds_itself_to_the_end),
		cmocka_unit_test(unwinds_through_signal_frames),
		cmocka_unit_test(a_short_copy_ends_the_stack),
		cmocka_unit_test(random_stacks_end),
		cmocka_unit_test(code_is_given_back),
		cmocka_unit_test(names_are_made_readable),
		cmocka_unit_test(expressions_are_bounded),
		cmocka_unit_test_setup_teardown(damaged_files_are_survived, make_library,
						remove_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

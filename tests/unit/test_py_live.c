/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CPython from outside against what CPython says of itself: stacks, lines, type names, collector,
 * allocator, on every interpreter at hand: the machine's own, those of the root file systems made
 * for the tests, pyenv's (where $PYTHON is set, as in the core set, of versions that no other has),
 * and $PYLEAK_TEST_PYTHONS (paths separated by blanks). Last, noise.
 */
#include "places/places.h"
#include "py/py_priv.h"

#include "unit/self.h"

#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 64
#define MAX_FRAMES  4096
#define MAX_LINE    1024

/* Threads that rest in all kinds of frames; one that tells what the others' stacks are. */
static const char script[] =
	"import sys, threading, time, gc, asyncio, collections\n"
	"rest = threading.Event().wait\n"
	"def deep(n):\n"
	"    if n:\n"
	"        return deep(n - 1)\n"
	"    rest()\n"
	"def gen(n):\n"
	"    if n:\n"
	"        yield from gen(n - 1)\n"
	"    else:\n"
	"        yield rest()\n"
	"async def coro(n):\n"
	"    if n:\n"
	"        await asyncio.sleep(0)\n"
	"        return await coro(n - 1)\n"
	"    rest()\n"
	"def callback():\n"
	"    def key(x):\n"
	"        if x == 3:\n"
	"            rest()\n"
	"        return x\n"
	"    return sorted([1, 2, 3, 4], key=key)\n"
	"class Ring(collections.deque): pass\n"
	"class Bag(set): pass\n"
	"class Deep(Bag): pass\n"
	"class set: pass\n"
	"kept = [(Ring(range(7), 50), 7), (Bag(range(5)), 5), (Deep(range(9)), 9), (set(), None),\n"
	"        (frozenset(range(4)), 4), (bytearray(11), 11), ([1, 2, 3], 3), ('abc', 3),\n"
	"        (b'12', 2), ((1, 2), 2), (collections.OrderedDict(a=1, b=2), 2), (1.5, None)]\n"
	"class Session:\n"
	"    class Inner:\n"
	"        pass\n"
	"    def m\xc3\xa9thode(self):\n"
	"        (lambda:\n"
	"            rest())()\n"
	"def several(\n"
	"        a,\n"
	"        b):\n"
	"    return (a +\n"
	"            b +\n"
	"            rest())\n"
	"big = 'def big():\\n' + ''.join('    x%d = %d if %d else 3\\n' % (i, i, i)\n"
	"                                for i in range(3000)) + '    rest()\\n'\n"
	"back = 'def back(\\n  a=1):\\n  return (\\n\\n\\n f(1,\\n 2)\\n)\\n' \\\n"
	"       'def f(a, b): return rest()\\n'\n"
	"names = {'rest': rest}\n"
	"exec(compile(big, '/tmp/\xe5\xa4\xa7.py', 'exec'), names)\n"
	"exec(compile(back, '<back>', 'exec'), names)\n"
	"threading.stack_size(64 << 20)\n"
	"sys.setrecursionlimit(5000)\n"
	"for f in (lambda: deep(150), lambda: deep(900), lambda: list(gen(7)), callback,\n"
	"          lambda: asyncio.run(coro(5)), Session().m\xc3\xa9thode, lambda: several(1, 2),\n"
	"          names['big'], names['back']):\n"
	"    threading.Thread(target=f, daemon=True).start()\n"
	"time.sleep(0.5)\n"
	"out = open(1, 'w', encoding='utf-8', closefd=False)\n"
	"def tell():\n"
	"    time.sleep(0.2)\n"
	"    for i in range(3):\n"
	"        gc.collect()\n"
	"    gc.disable()\n"
	"    for tid, f in sys._current_frames().items():\n"
	"        if tid == threading.get_ident():\n"
	"            continue\n"
	"        print('thread', tid, file=out)\n"
	"        while f:\n"
	"            c = f.f_code\n"
	"            print('frame %s %s:%d' % (getattr(c, 'co_qualname', c.co_name),\n"
	"                                      c.co_filename, f.f_lineno), file=out)\n"
	"            f = f.f_back\n"
	"    for t, name in ((dict, 'dict'), (Session, '__main__.Session'), (ValueError, "
	"'ValueError'),\n"
	"                    (Session.Inner, '__main__.Session.Inner'),\n"
	"                    (collections.deque, 'collections.deque'),\n"
	"                    (threading.Event, 'threading.Event'), (type, 'type')):\n"
	"        print('type', id(t), name, file=out)\n"
	"    for o, n in kept:\n"
	"        print('length', id(o), '' if n is None else n, file=out)\n"
	"    print('full', gc.get_stats()[2]['collections'], file=out)\n"
	"    print('version', sys.hexversion, file=out)\n"
	"    print('done', file=out, flush=True)\n"
	"    time.sleep(1000)\n"
	"threading.Thread(target=tell, daemon=True).start()\n"
	"time.sleep(1000)\n";

struct target {
	pid_t pid;
	FILE *said;
};

static void start(const char *python, const char *code, const char *allocator, struct target *t)
{
	int out[2];

	assert_int_equal(pipe(out), 0);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid) {
		const char *inside = strstr(python, "/usr/bin/python");
		char root[4096];

		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		if (allocator)
			setenv("PYTHONMALLOC", allocator, 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		/* The Python of another root file system needs the libraries beside it. */
		if (inside && inside != python) {
			snprintf(root, sizeof(root), "%.*s", (int)(inside - python), python);
			if (chroot(root) || chdir("/"))
				_exit(126);
			python = inside;
		}
		execl(python, python, "-c", code, NULL); /* its name tells it its prefix */
		_exit(127);
	}
	close(out[1]);
	t->said = fdopen(out[0], "r");
	assert_non_null(t->said);
}

static void stop(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	fclose(t->said);
}

static uint64_t find_thread(const struct py_runtime *rt, uint64_t ident)
{
	uint64_t tstates[MAX_THREADS], self;
	size_t n = py_threads(rt, tstates, MAX_THREADS);

	for (size_t i = 0; i < n; i++)
		if (!proc_read_u64(rt->proc, tstates[i] + rt->walk.tstate_thread_id, &self) &&
		    self == ident)
			return tstates[i];
	return 0;
}

struct walk_state {
	struct pl_frame frames[MAX_FRAMES];
	size_t n, at;
};

static void check_end(const struct walk_state *w)
{
	if (w->at != w->n)
		fail_msg("a stack has %zu frames instead of %zu", w->n, w->at);
}

static void check_frame(const struct py_runtime *rt, struct walk_state *w, const char *want)
{
	char got[MAX_LINE];
	struct py_code *c;

	if (w->at >= w->n)
		fail_msg("a stack ends before %s", want);
	assert_int_equal(py_code_read(rt, w->frames[w->at].code, &c), 0);
	snprintf(got, sizeof(got), "%s %s:%d", py_code_function(c), py_code_file(c),
		 py_code_line(rt, c, w->frames[w->at].instr));
	if (strcmp(got, want) != 0)
		fail_msg("%s: frame %zu is '%s' instead of '%s'", rt->version, w->at, got, want);
	assert_true(py_code_same(rt, c));
	py_code_free(c);
	w->at++;
}

static void check_type(const struct py_runtime *rt, const char *said)
{
	char *name, got[256];
	uint64_t type = strtoull(said, &name, 10);

	assert_int_equal(py_type_name(rt, type, got, sizeof(got)), 0);
	assert_string_equal(got, name + 1);
}

/* Nothing behind the address: it has none that is known. */
static void check_length(const struct py_runtime *rt, const char *said)
{
	char *rest;
	uint64_t got = py_length(rt, strtoull(said, &rest, 10));

	if (got != (rest[1] ? strtoull(rest, NULL, 10) : UINT64_MAX))
		fail_msg("%s: a length is %" PRIu64 ", not%s", rt->version, got, rest);
}

static void check_gc(const struct py_runtime *rt, uint64_t full)
{
	uint64_t got = 0;
	bool enabled = true;

	assert_int_equal(py_full_collections(rt, &got), 0);
	assert_int_equal(got, full);
	assert_int_equal(py_gc_enabled(rt, &enabled), 0);
	assert_false(enabled);
}

static void compare(const struct py_runtime *rt, struct target *t)
{
	static struct walk_state w;
	char line[MAX_LINE];

	memset(&w, 0, sizeof(w));
	while (fgets(line, sizeof(line), t->said)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "thread ", 7)) {
			uint64_t tstate = find_thread(rt, strtoull(line + 7, NULL, 10));

			check_end(&w);
			assert_int_not_equal(tstate, 0);
			assert_int_equal(py_read_stack(rt, tstate, w.frames, MAX_FRAMES, &w.n), 0);
			w.at = 0;
		} else if (!strncmp(line, "frame ", 6)) {
			check_frame(rt, &w, line + 6);
		} else if (!strncmp(line, "type ", 5)) {
			check_type(rt, line + 5);
		} else if (!strncmp(line, "length ", 7)) {
			check_length(rt, line + 7);
		} else if (!strncmp(line, "full ", 5)) {
			check_gc(rt, strtoull(line + 5, NULL, 10));
		} else if (!strncmp(line, "version ", 8)) {
			assert_int_equal(rt->hexversion, strtoul(line + 8, NULL, 10));
		} else if (!strcmp(line, "done")) {
			check_end(&w);
			return;
		}
	}
	fail_msg("the target did not finish its tale");
}

/* The target wrote what is read here before, so that it rests when it is opened. */
static void wait_until_told(struct target *t)
{
	char byte;

	if (fread(&byte, 1, 1, t->said) != 1)
		fail_msg("the target did not start");
	ungetc(byte, t->said);
}

static void check_runtime(const struct py_runtime *rt)
{
	const struct pl_walk *w = &rt->walk;

	assert_int_equal(rt->allocator, PY_ALLOC_PYMALLOC);
	assert_true(rt->usedpools && rt->arenas && rt->maxarenas);
	assert_int_equal(w->tstate_how == PL_TSTATE_GLOBAL, rt->minor <= 11);
	assert_true(w->gilstate_how != PL_GILSTATE_NONE);
	assert_int_equal(w->gilstate_how == PL_GILSTATE_PTHREAD_KEY, rt->minor <= 14);
}

static void check_python(const char *python)
{
	struct py_runtime *rt;
	struct target t;
	struct proc *p;

	start(python, script, NULL, &t);
	wait_until_told(&t);
	if (proc_open(t.pid, &p) || py_open(p, &rt))
		fail_msg("%s: %s", python, fail_text());
	print_message("  %s: %s, %s\n", python, rt->version, rt->layout_source);
	check_runtime(rt);
	compare(rt, &t);
	py_close(rt);
	proc_close(p);
	stop(&t);
}

/* Calls @each for every Python 3.8+ at hand. */
static void with_pythons(void (*each)(const char *python))
{
	const char *env = getenv("PYLEAK_TEST_PYTHONS"), *home = getenv("HOME");
	auto_free char *list = strdup(env ? env : "");
	char pattern[512], *save = NULL;
	glob_t g = {0};

	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.%s/bin/python3.[0-9]*",
		 home ? home : "", getenv("PYTHON") ? "{8,10,12}.*" : "*");
	glob("/usr/bin/python3", 0, NULL, &g);
	glob(pattern, GLOB_APPEND | GLOB_BRACE, NULL, &g);
	if (!geteuid())
		glob("/var/tmp/pyleak-roots/*/usr/bin/python3.*", GLOB_APPEND, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *base = strrchr(g.gl_pathv[i], '/');

		/* Neither python3.11-config nor versions that are refused. */
		if (!strchr(base, '-') && !strstr(base, "3.6") && !strstr(base, "3.7") &&
		    !access(g.gl_pathv[i], X_OK))
			each(g.gl_pathv[i]);
	}
	globfree(&g);
	for (char *s = strtok_r(list, " ", &save); s; s = strtok_r(NULL, " ", &save))
		each(s);
}

static void sees_what_python_sees(void **state)
{
	(void)state;
	with_pythons(check_python);
}

static const char traced_script[] = "import time, tracemalloc\ntracemalloc.start(10)\n"
				    "print('x', flush=True)\ntime.sleep(1000)\n";
static const char pause_script[] = "import time; print('x', flush=True); time.sleep(1000)";

static void check_allocator(const char *python, const char *name, enum py_allocator want)
{
	struct py_runtime *rt;
	struct target t;
	struct proc *p;

	start(python, pause_script, name, &t);
	wait_until_told(&t);
	if (proc_open(t.pid, &p) || py_open(p, &rt))
		fail_msg("%s: %s", python, fail_text());
	if (rt->allocator != want)
		fail_msg("%s: PYTHONMALLOC=%s is seen as %s", python, name,
			 py_allocator_name(rt->allocator));
	assert_int_equal(!rt->usedpools, want == PY_ALLOC_MALLOC || want == PY_ALLOC_MIMALLOC);
	if (rt->minor >= 13 && want == PY_ALLOC_MALLOC) {
		py_close(rt);
		proc_close(p);
		stop(&t);
		check_allocator(python, "mimalloc", PY_ALLOC_MIMALLOC);
		return;
	}
	py_close(rt);
	proc_close(p);
	stop(&t);
}

static void check_allocators(const char *python)
{
	check_allocator(python, "malloc", PY_ALLOC_MALLOC);
	check_allocator(python, "debug", PY_ALLOC_DEBUG);
}

static void knows_the_allocator(void **state)
{
	(void)state;
	with_pythons(check_allocators);
}

static void check_tracemalloc(const char *python)
{
	static const struct {
		const char *script, *allocator;
		bool is_on;
	} row[] = {
		{pause_script, NULL, false},	 {pause_script, "debug", false},
		{traced_script, NULL, true},	 {traced_script, "debug", true},
		{traced_script, "malloc", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct py_runtime *rt;
		struct target t;
		struct proc *p;

		start(python, row[i].script, row[i].allocator, &t);
		wait_until_told(&t);
		if (proc_open(t.pid, &p) || py_open(p, &rt))
			fail_msg("%s: %s", python, fail_text());
		if (py_runs_tracemalloc(rt) != row[i].is_on)
			fail_msg("%s: row %zu: tracemalloc is %sseen", python, i,
				 row[i].is_on ? "not " : "");
		py_close(rt);
		proc_close(p);
		stop(&t);
	}
}

static void sees_whether_tracemalloc_is_on(void **state)
{
	(void)state;
	with_pythons(check_tracemalloc);
}

/* A loader as Nuitka's comes in last. */
static const char nuitka_script[] = "import sys, time\n"
				    "class nuitka_module_loader:\n"
				    "    __module__ = 'builtins'\n"
				    "    def find_spec(self, *args):\n"
				    "        return None\n"
				    "sys.meta_path.insert(2, nuitka_module_loader())\n"
				    "print('x', flush=True)\n"
				    "time.sleep(1000)\n";

static void check_nuitka(const char *python)
{
	static const char *const scripts[] = {pause_script, nuitka_script};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct py_runtime *rt;
		struct target t;
		struct proc *p;

		start(python, scripts[i], NULL, &t);
		wait_until_told(&t);
		if (proc_open(t.pid, &p) || py_open(p, &rt))
			fail_msg("%s: %s", python, fail_text());
		if (py_has_nuitka(rt) != (i && rt->minor >= 9))
			fail_msg("%s: Nuitka is %sseen", python, i ? "not " : "");
		py_close(rt);
		proc_close(p);
		stop(&t);
	}
}

static void sees_code_that_nuitka_compiled(void **state)
{
	(void)state;
	with_pythons(check_nuitka);
}

/* Types whose objects end when nothing refers to them, and those that may keep them: of these no
 * death is one. Last, what is no type, and has a pointer where one has tp_dealloc. */
static const char ends_script[] =
	"import struct, time\n"
	"class Plain: pass\n"
	"class Slots: __slots__ = ('a',)\n"
	"class Kept:\n"
	"    def __del__(self): pass\n"
	"class KeptToo(Kept): __slots__ = ()\n"
	"for t in (dict, list, tuple, float, str, set, ValueError, Plain, Slots):\n"
	"    print('ends', id(t), t.__name__)\n"
	"for t in (Kept, KeptToo, type(i for i in ())):\n"
	"    print('kept', id(t), t.__name__)\n"
	"other = bytes(16) + struct.pack('P', id(int)) + bytes(1000)\n"
	"print('kept', id(other), 'no type')\n"
	"print('done', flush=True)\n"
	"time.sleep(1000)\n";

static void check_end_of_type(const struct py_runtime *rt, const char *said)
{
	bool ends = !strncmp(said, "ends ", 5);
	uint64_t code = py_type_dealloc(rt, strtoull(said + 5, NULL, 10));
	struct places_point at;

	if (!ends && !code)
		return;
	if (!ends || !code ||
	    places_find_entry_at(rt->dso, code - rt->bias, "tp_dealloc", 1 << 7, &at))
		fail_msg("%s: %s: %s", rt->version, said, code ? fail_text() : "no code");
	assert_true(at.addr - (code - rt->bias) < 64);
}

static void check_ends(const char *python)
{
	char line[MAX_LINE];
	struct py_runtime *rt;
	struct target t;
	struct proc *p;

	start(python, ends_script, NULL, &t);
	wait_until_told(&t);
	if (proc_open(t.pid, &p) || py_open(p, &rt))
		fail_msg("%s: %s", python, fail_text());
	while (fgets(line, sizeof(line), t.said) && strcmp(line, "done\n") != 0)
		check_end_of_type(rt, line);
	py_close(rt);
	proc_close(p);
	stop(&t);
}

static void finds_where_objects_end(void **state)
{
	(void)state;
	with_pythons(check_ends);
}

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

/* Random addresses of a live process, and forged objects in our own memory. */
static void try_address(const struct py_runtime *rt, uint64_t addr)
{
	char buf[128];
	struct py_code *c;
	size_t n;
	struct pl_frame frames[32];
	uint64_t attr;

	py_read_str(rt, addr, buf, sizeof(buf));
	py_type_name(rt, addr, buf, sizeof(buf));
	py_type_attr(rt, addr, "__module__", &attr);
	py_read_stack(rt, addr, frames, ARRAY_SIZE(frames), &n);
	if (!py_code_read(rt, addr, &c)) {
		py_code_line(rt, c, (uint64_t)random() << 1);
		py_code_line(rt, c, addr + (uint64_t)random() % 4096);
		py_code_free(c);
	}
}

static void survives_random_addresses(void **state)
{
	struct py_runtime *rt;
	struct target t;
	struct proc *p;

	(void)state;
	start("/usr/bin/python3", pause_script, NULL, &t);
	wait_until_told(&t);
	assert_int_equal(proc_open(t.pid, &p), 0);
	assert_int_equal(py_open(p, &rt), 0);
	srandom(11);
	for (int i = 0; i < 20000; i++) {
		const struct proc_map *m = &p->maps[(size_t)random() % p->n_maps];

		try_address(rt, m->start + ((uint64_t)random() % (m->end - m->start) & ~7ull));
	}
	py_close(rt);
	proc_close(p);
	stop(&t);
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
		for (size_t i = 0; i < FORGED; i += 16)
			try_address(&rt, (uintptr_t)&w[i]);
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
		cmocka_unit_test(sees_what_python_sees),
		cmocka_unit_test(sees_code_that_nuitka_compiled),
		cmocka_unit_test(finds_where_objects_end),
		cmocka_unit_test(knows_the_allocator),
		cmocka_unit_test(sees_whether_tracemalloc_is_on),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_kinds_by_what_they_say),
		cmocka_unit_test(finds_python_behind_many_files),
		cmocka_unit_test(survives_random_addresses),
		cmocka_unit_test(survives_forged_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

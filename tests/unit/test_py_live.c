/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CPython from outside against what CPython says of itself: stacks, lines, type names, collector,
 * allocator, on every interpreter at hand: the machine's own, those of the root file systems made
 * for the tests, pyenv's, and $PYLEAK_TEST_PYTHONS (paths separated by blanks). Where $PYTHON is
 * set, as in the core set, one of each version.
 */
#include "places/places.h"
#include "py/py_priv.h"

#include "unit/noise.h"
#include "unit/unit.h"

#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 64
#define MAX_FRAMES  4096
#define MAX_LINE    1024
#define MAX_PYTHONS 64

/* After a signal, tracemalloc is on, and a loader as Nuitka's is among those of imports: a byte
 * tells when. The modules are in the program itself: nothing else is loaded for them. */
#define ON_SIGNAL                                               \
	"import _signal, _tracemalloc, sys, time\n"             \
	"class nuitka_module_loader:\n"                         \
	"    __module__ = 'builtins'\n"                         \
	"    def find_spec(self, *args):\n"                     \
	"        return None\n"                                 \
	"def on_signal(*args):\n"                               \
	"    sys.meta_path.insert(2, nuitka_module_loader())\n" \
	"    _tracemalloc.start(10)\n"                          \
	"    print('x', flush=True)\n"                          \
	"_signal.signal(_signal.SIGUSR1, on_signal)\n"

static const char pause_script[] = ON_SIGNAL "print('x', flush=True)\n"
					     "time.sleep(1000)\n";

/* Threads that rest in all kinds of frames; one that tells what the others' stacks are. Of types
 * it says whether their objects end when nothing refers to them; of those that may keep them no
 * death is one. Last, what is no type, and has a pointer where one has tp_dealloc. */
static const char script[] = ON_SIGNAL
	"import struct, threading, gc, asyncio, collections\n"
	"class Plain: pass\n"
	"class Slots: __slots__ = ('a',)\n"
	"class Kept:\n"
	"    def __del__(self): pass\n"
	"class KeptToo(Kept): __slots__ = ()\n"
	"ends = (dict, list, tuple, float, str, set, ValueError, Plain, Slots)\n"
	"keeps = (Kept, KeptToo, type(i for i in ()))\n"
	"other = bytes(16) + struct.pack('P', id(int)) + bytes(1000)\n"
	"event = threading.Event()\n"
	"rest = event.wait\n"
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
	"generator = (n for n in\n"
	"             kept if\n"
	"             n).gi_code\n"
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
	"todo = (lambda: deep(150), lambda: deep(900), lambda: list(gen(7)), callback,\n"
	"        lambda: asyncio.run(coro(5)), Session().m\xc3\xa9thode, lambda: several(1, 2),\n"
	"        names['big'], names['back'])\n"
	"for f in todo:\n"
	"    threading.Thread(target=f, daemon=True).start()\n"
	"while len(event._cond._waiters) < len(todo):\n"
	"    time.sleep(0.02)\n"
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
	"    for begin, _, line in generator.co_lines() if sys.version_info >= (3, 11) else ():\n"
	"        print('line', id(generator), begin, line or generator.co_firstlineno, file=out)\n"
	"    print('full', gc.get_stats()[2]['collections'], file=out)\n"
	"    print('version', sys.hexversion, file=out)\n"
	"    print('done', file=out)\n"
	"    for t in ends:\n"
	"        print('ends', id(t), t.__name__, file=out)\n"
	"    for t in keeps:\n"
	"        print('kept', id(t), t.__name__, file=out)\n"
	"    print('kept', id(other), 'no type', file=out)\n"
	"    print('done', file=out, flush=True)\n"
	"    time.sleep(1000)\n"
	"threading.Thread(target=tell, daemon=True).start()\n"
	"time.sleep(1000)\n";

struct target {
	const char *python;
	pid_t pid;
	FILE *said;
	struct proc *proc;
	struct py_runtime *rt;
};

/* One for each Python, that of the machine first: all start at once, and each is looked at by
 * several tests. */
static struct target targets[MAX_PYTHONS];
static size_t n_targets;

static void start(const char *python, const char *code, const char *allocator, struct target *t)
{
	int out[2];

	assert_int_equal(pipe(out), 0);
	*t = (struct target){.python = python, .pid = fork()};
	assert_true(t->pid >= 0);
	if (!t->pid) {
		const char *inside = strstr(python, "/usr/bin/python");
		char root[4096];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
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
		/* its name tells it its prefix */
		execl(python, python, "-S", "-c", code, NULL);
		_exit(127);
	}
	close(out[1]);
	t->said = fdopen(out[0], "r");
	assert_non_null(t->said);
}

/* The target wrote what is read here before, so that it rests when it is opened. */
static void wait_until_told(struct target *t)
{
	char byte;

	if (fread(&byte, 1, 1, t->said) != 1)
		fail_msg("%s: the target did not start", t->python);
	ungetc(byte, t->said);
}

static void look(struct target *t)
{
	wait_until_told(t);
	if (proc_open(t->pid, &t->proc) || py_open(t->proc, &t->rt))
		fail_msg("%s: %s", t->python, fail_text());
}

static void look_away(struct target *t)
{
	py_close(t->rt);
	proc_close(t->proc);
	t->rt = NULL;
	t->proc = NULL;
}

static void stop(struct target *t)
{
	look_away(t);
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

/* Each instruction is asked about: those before the first RESUME, too, with which a generator
 * begins. */
static void check_line(const struct py_runtime *rt, const char *said)
{
	struct py_code *code;
	uint64_t addr, at;
	char *rest;

	addr = strtoull(said, &rest, 10);
	at = strtoull(rest, &rest, 10);
	assert_int_equal(py_code_read(rt, addr, &code), 0);
	assert_int_equal(py_code_line(rt, code, addr + rt->layout.code_code + at), atoi(rest));
	py_code_free(code);
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
			assert_int_equal(py_read_stack(rt, tstate, w.frames, MAX_FRAMES, &w.n,
						       &(int){PY_MAX_STEPS}),
					 0);
			w.at = 0;
		} else if (!strncmp(line, "frame ", 6)) {
			check_frame(rt, &w, line + 6);
		} else if (!strncmp(line, "type ", 5)) {
			check_type(rt, line + 5);
		} else if (!strncmp(line, "length ", 7)) {
			check_length(rt, line + 7);
		} else if (!strncmp(line, "line ", 5)) {
			check_line(rt, line + 5);
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

static void check_runtime(const struct py_runtime *rt)
{
	const struct pl_walk *w = &rt->walk;

	assert_int_equal(rt->allocator, PY_ALLOC_PYMALLOC);
	assert_true(rt->usedpools && rt->arenas && rt->maxarenas);
	assert_int_equal(w->tstate_how == PL_TSTATE_GLOBAL, rt->minor <= 11);
	assert_true(w->gilstate_how != PL_GILSTATE_NONE);
	assert_int_equal(w->gilstate_how == PL_GILSTATE_PTHREAD_KEY, rt->minor <= 14);
}

static void sees_what_python_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_targets; i++) {
		struct target *t = &targets[i];

		print_message("  %s: %s, %s\n", t->python, t->rt->version, t->rt->layout_source);
		check_runtime(t->rt);
		compare(t->rt, t);
	}
}

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

static void finds_where_objects_end(void **state)
{
	char line[MAX_LINE];

	(void)state;
	for (size_t i = 0; i < n_targets; i++) {
		size_t n = 0;

		while (fgets(line, sizeof(line), targets[i].said) && strcmp(line, "done\n") != 0) {
			check_end_of_type(targets[i].rt, line);
			n++;
		}
		assert_int_equal(n, 13);
	}
}

static void survives_random_addresses(void **state)
{
	const struct proc *p = targets[0].proc;

	(void)state;
	srandom(11);
	for (int i = 0; i < 5000; i++) {
		const struct proc_map *m = &p->maps[(size_t)random() % p->n_maps];

		py_try_address(targets[0].rt,
			       m->start + ((uint64_t)random() % (m->end - m->start) & ~7ull));
	}
}

/* Both a look from before the signal and a new one see tracemalloc and the loader, which it brings.
 */
static void check_signal(struct target *t)
{
	enum py_allocator allocator = t->rt->allocator;

	if (py_runs_tracemalloc(t->rt) || py_has_nuitka(t->rt))
		fail_msg("%s: what is not there is seen", t->python);
	kill(t->pid, SIGUSR1);
	wait_until_told(t);
	for (int i = 0; i < 2; i++) {
		if (i) {
			look_away(t);
			look(t);
		}
		assert_int_equal(t->rt->allocator, allocator);
		if (!py_runs_tracemalloc(t->rt))
			fail_msg("%s: tracemalloc is not seen", t->python);
		if (py_has_nuitka(t->rt) != (t->rt->minor >= 9))
			fail_msg("%s: Nuitka is seen wrongly", t->python);
	}
}

static void sees_tracemalloc_and_code_that_nuitka_compiled(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_targets; i++)
		check_signal(&targets[i]);
}

/* There the hooks of tracemalloc lie on others, or on none. */
static void knows_the_allocator(void **state)
{
	static const struct {
		const char *name;
		enum py_allocator want;
		int first_minor;
	} row[] = {
		{"malloc", PY_ALLOC_MALLOC, 8},
		{"debug", PY_ALLOC_DEBUG, 8},
		{"mimalloc", PY_ALLOC_MIMALLOC, 13},
	};

	(void)state;
	for (size_t i = 0; i < n_targets; i++) {
		struct target t[ARRAY_SIZE(row)];
		char line[MAX_LINE];
		size_t n = 0;

		while (n < ARRAY_SIZE(row) && targets[i].rt->minor >= row[n].first_minor) {
			start(targets[i].python, pause_script, row[n].name, &t[n]);
			n++;
		}
		for (size_t k = 0; k < n; k++) {
			enum py_allocator want = row[k].want;

			look(&t[k]);
			if (t[k].rt->allocator != want)
				fail_msg("%s: PYTHONMALLOC=%s is seen as %s", t[k].python,
					 row[k].name, py_allocator_name(t[k].rt->allocator));
			assert_int_equal(!t[k].rt->usedpools,
					 want == PY_ALLOC_MALLOC || want == PY_ALLOC_MIMALLOC);
			assert_non_null(fgets(line, sizeof(line), t[k].said));
			check_signal(&t[k]);
			stop(&t[k]);
		}
	}
}

static void add(const char *python)
{
	const char *base = strrchr(python, '/');

	/* Neither python3.11-config nor versions that are refused. */
	if (!base || strchr(base, '-') || strstr(base, "3.6") || strstr(base, "3.7") ||
	    access(python, X_OK) || n_targets == MAX_PYTHONS)
		return;
	for (size_t i = 0; i < n_targets && getenv("PYTHON"); i++)
		if (!strcmp(strrchr(targets[i].python, '/'), base))
			return;
	targets[n_targets++].python = python;
}

static char *list;
static glob_t at_hand;

/* Python 3.8+. */
static int start_all(void **state)
{
	const char *env = getenv("PYLEAK_TEST_PYTHONS"), *home = getenv("HOME");
	char pattern[512], *save = NULL;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.%s/bin/python3.[0-9]*",
		 home ? home : "", getenv("PYTHON") ? "{8,10,12}.*" : "*");
	glob("/usr/bin/python3", 0, NULL, &at_hand);
	glob(pattern, GLOB_APPEND | GLOB_BRACE, NULL, &at_hand);
	if (!geteuid())
		glob("/var/tmp/pyleak-roots/*/usr/bin/python3.*", GLOB_APPEND, NULL, &at_hand);
	for (size_t i = 0; i < at_hand.gl_pathc; i++)
		add(at_hand.gl_pathv[i]);
	list = strdup(env ? env : "");
	for (char *s = strtok_r(list, " ", &save); s; s = strtok_r(NULL, " ", &save))
		add(s);
	for (size_t i = 0; i < n_targets; i++)
		start(targets[i].python, script, NULL, &targets[i]);
	for (size_t i = 0; i < n_targets; i++)
		look(&targets[i]);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_targets; i++)
		stop(&targets[i]);
	globfree(&at_hand);
	free(list);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_what_python_sees),
		cmocka_unit_test(finds_where_objects_end),
		cmocka_unit_test(survives_random_addresses),
		cmocka_unit_test(knows_the_allocator),
		cmocka_unit_test(sees_tracemalloc_and_code_that_nuitka_compiled),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The heap room against live interpreters: /usr/bin/python3 and those named in PYLEAK_TEST_PYTHONS
 * (separated by spaces; "ROOT:PATH" runs PATH below chroot ROOT). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#undef fail /* ours is the one of base.h */
#include <signal.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/heap.h"

#ifndef PYLEAK_TESTS
#define PYLEAK_TESTS "tests/unit"
#endif
#define MAX_OBJECTS 128
#define ROUNDS	    60 /* of a busy target */

struct known {
	char kind[32];
	uint64_t addr, type, bytes;
};

struct target {
	pid_t pid;
	FILE *to, *from;
	struct known v[MAX_OBJECTS];
	size_t n;
	uint64_t live[HEAP_CLASSES]; /* as sys._debugmallocstats says */
	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;
	const char *name;
};

static char *read_script(void)
{
	FILE *f = fopen(PYLEAK_TESTS "/live_objects.py", "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static void child(const char *python, int in, int out)
{
	const char *colon = strchr(python, ':');
	char *script = read_script(), root[4096] = "";

	if (colon) {
		snprintf(root, sizeof(root), "%.*s", (int)(colon - python), python);
		if (chroot(root) || chdir("/"))
			_exit(126);
		python = colon + 1;
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(120);
	execl(python, python, "-c", script, "7", NULL);
	_exit(127);
}

/* Read lines up to "ready". */
static bool listen_to(struct target *t)
{
	char line[512];
	unsigned cls, size;
	unsigned long pools, live;

	t->n = 0;
	while (fgets(line, sizeof(line), t->from)) {
		struct known *k = &t->v[t->n];

		if (!strncmp(line, "ready", 5))
			return true;
		if (t->n < MAX_OBJECTS && sscanf(line, "obj %31s %lx %lx %lu", k->kind, &k->addr,
						 &k->type, &k->bytes) == 4)
			t->n++;
		else if (sscanf(line, "%u %u %lu %lu", &cls, &size, &pools, &live) == 4 &&
			 cls < HEAP_CLASSES && size == 16 * (cls + 1))
			t->live[cls] = live;
	}
	return false;
}

static bool order(struct target *t, const char *what)
{
	fprintf(t->to, "%s\n", what);
	fflush(t->to);
	return listen_to(t);
}

static void stop(struct target *t)
{
	heap_close(t->heap);
	py_close(t->rt);
	proc_close(t->proc);
	if (t->to)
		fclose(t->to);
	if (t->from)
		fclose(t->from);
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	memset(t, 0, sizeof(*t));
}

static bool start(struct target *t, const char *python)
{
	int in[2], out[2];

	memset(t, 0, sizeof(*t));
	t->name = python;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	t->pid = fork();
	if (!t->pid)
		child(python, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	t->to = fdopen(in[1], "w");
	t->from = fdopen(out[0], "r");
	if (!listen_to(t)) {
		print_message("[  SKIP    ] %s does not run\n", python);
		stop(t);
		return false;
	}
	if (proc_open(t->pid, &t->proc) || py_open(t->proc, &t->rt)) {
		print_error("%s: %s\n", python, fail_text());
		assert_true(false);
	}
	assert_int_equal(heap_open(t->rt, &t->heap), 0);
	return true;
}

static size_t look(struct target *t, struct heap_object *v, enum heap_depth depth)
{
	memset(v, 0, MAX_OBJECTS * sizeof(*v));
	for (size_t i = 0; i < t->n; i++) {
		v[i].addr = t->v[i].addr;
		v[i].type = t->v[i].type;
	}
	return heap_read_objects(t->heap, v, t->n, depth);
}

/* The debug hooks add this: once per block, twice where pymalloc passes the block on. */
static uint64_t debug_bytes(const struct target *t, const struct heap_object *o)
{
	uint64_t sum = 0;

	if (t->rt->allocator != PY_ALLOC_DEBUG)
		return 0;
	for (unsigned p = 0; p < o->parts; p++)
		sum += heap_has_pools(t->heap) && o->part[p].cls < 0 ? 48 : 24;
	return sum;
}

/* Objects in a block that their size does not tell: a datetime without time zone is 8 bytes smaller
 * than its type says; a big one that shrank stays with libc. With plain pymalloc it does not show.
 */
static bool may_differ(const struct target *t, const struct known *k)
{
	return t->rt->allocator != PY_ALLOC_PYMALLOC &&
	       (!strcmp(k->kind, "datetime") || !strncmp(k->kind, "str", 3));
}

static void check_sizes(struct target *t)
{
	static struct heap_object v[MAX_OBJECTS], w[MAX_OBJECTS];
	int bad = 0;

	look(t, v, HEAP_FULL);
	look(t, w, HEAP_IDENTITY);
	for (size_t i = 0; i < t->n; i++) {
		const struct known *k = &t->v[i];
		uint64_t got = v[i].bytes - debug_bytes(t, &v[i]);
		uint64_t off = k->bytes > got ? k->bytes - got : got - k->bytes;
		bool wrong = !v[i].addr || (k->bytes && off > k->bytes / 50 && off > 16);

		/* Without pools and glibc's chunks nothing tells the size of a frame. */
		if (t->rt->allocator == PY_ALLOC_MIMALLOC &&
		    (!strcmp(k->kind, "generator") || !strcmp(k->kind, "coroutine")))
			wrong = false;
		if (!k->bytes && v[i].bytes < 16)
			wrong = true;
		if (v[i].is_finalized != !strcmp(k->kind, "resurrected"))
			wrong = true;
		if (strstr(k->kind, "_of_empty") && v[i].fp.content)
			wrong = true; /* a set of its own, that may be filled */
		if (!may_differ(t, k) && !v[i].immortal && heap_has_pools(t->heap) &&
		    v[i].part[0].cls != heap_class_of(t->heap, v[i].part[0].addr))
			wrong = true;
		if (!heap_same_object(&w[i].fp, &v[i].fp) || !v[i].fp.n)
			wrong = true;
		bad += wrong;
		if (wrong)
			print_error("%s %s: said %lu, read %lu in %u parts, first %lu of class %d "
				    "(is %d), fp n %u\n",
				    t->name, k->kind, k->bytes, v[i].bytes, v[i].parts,
				    v[i].part[0].bytes, v[i].part[0].cls,
				    heap_class_of(t->heap, v[i].part[0].addr), v[i].fp.n);
	}
	assert_int_equal(bad, 0);
}

static void check_parts(struct target *t)
{
	static struct heap_object v[MAX_OBJECTS];

	look(t, v, HEAP_FULL);
	for (size_t i = 0; i < t->n; i++) {
		for (unsigned p = 0; p < v[i].parts && p < HEAP_MAX_PARTS; p++) {
			int cls = heap_class_of(t->heap, v[i].part[p].addr);
			uint64_t block = v[i].part[p].addr;

			if ((v[i].immortal && cls < 0) || may_differ(t, &t->v[i]))
				continue;
			if (cls != v[i].part[p].cls)
				print_error("%s %s part %u: class %d, in a pool of %d\n", t->name,
					    t->v[i].kind, p, v[i].part[p].cls, cls);
			assert_int_equal(cls, v[i].part[p].cls);
			if (cls < 0 && !heap_chunk_in_use(t->heap, block, v[i].part[p].bytes))
				print_error("%s %s part %u: %lu bytes not in use\n", t->name,
					    t->v[i].kind, p, v[i].part[p].bytes);
			if (cls < 0)
				assert_true(heap_chunk_in_use(t->heap, block, v[i].part[p].bytes));
		}
		uint64_t obj, type;

		if (v[i].immortal || !strncmp(t->v[i].kind, "str_sub", 7))
			continue;
		if (heap_object_in_block(t->heap, v[i].part[0].addr, v[i].part[0].bytes, &obj,
					 &type) ||
		    obj != v[i].addr)
			print_error("%s %s: object not found in its block\n", t->name,
				    t->v[i].kind);
	}
}

static void check_census(struct target *t)
{
	struct heap_census c;
	uint64_t sum = 0, off = 0;

	if (!heap_has_pools(t->heap))
		return;
	assert_true(order(t, "stats"));
	assert_int_equal(heap_census(t->heap, &c), 0);
	for (int i = 0; i < HEAP_CLASSES; i++) {
		uint64_t d =
			c.live[i] > t->live[i] ? c.live[i] - t->live[i] : t->live[i] - c.live[i];

		sum += c.live[i];
		off += d;
		if (d > 12)
			print_error("%s class %d: %lu blocks, the interpreter says %lu\n", t->name,
				    i, c.live[i], t->live[i]);
		assert_true(d <= 12);
	}
	assert_int_equal(c.torn, 0);
	print_message("%s %s: %lu arenas, %lu pools, %lu blocks (off by %lu), %lu us = %lu ns per "
		      "pool\n",
		      t->name, t->rt->version, c.arenas, c.pools, sum, off, c.cost_ns / 1000,
		      c.pools ? c.cost_ns / c.pools : 0);
}

static void check_identity(struct target *t)
{
	static struct heap_object was[MAX_OBJECTS], now[MAX_OBJECTS];
	static struct known old[MAX_OBJECTS];
	int reused = 0, wrong = 0;
	size_t n;

	assert_true(order(t, "make"));
	n = t->n;
	memcpy(old, t->v, sizeof(old));
	assert_int_equal(look(t, was, HEAP_IDENTITY), n);
	assert_int_equal(look(t, now, HEAP_FULL), n);
	for (size_t i = 0; i < n; i++)
		assert_true(heap_same_object(&was[i].fp, &now[i].fp));
	assert_true(order(t, "grow"));
	t->n = n;
	memcpy(t->v, old, sizeof(old));
	assert_int_equal(look(t, now, HEAP_IDENTITY), n);
	for (size_t i = 0; i < n; i++) {
		if (!heap_same_object(&was[i].fp, &now[i].fp))
			print_error("%s %s: not the same after it grew\n", t->name, old[i].kind);
		assert_true(heap_same_object(&was[i].fp, &now[i].fp));
	}
	assert_true(order(t, "again"));
	for (size_t i = 0; i < t->n; i++)
		t->v[i].type = old[i].type;
	look(t, now, HEAP_IDENTITY);
	for (size_t i = 0; i < n; i++) {
		if (t->v[i].addr != old[i].addr) {
			print_message("%s %s: address did not come back\n", t->name, old[i].kind);
			continue;
		}
		reused++;
		/* Equal contents are known to be ambiguous. */
		if (heap_same_object(&was[i].fp, &now[i].fp) &&
		    (!was[i].fp.content || was[i].fp.content != now[i].fp.content)) {
			wrong++;
			print_error("%s %s: a newcomer was taken for the same object\n", t->name,
				    old[i].kind);
		}
	}
	print_message("%s %s: %d of %zu addresses reused, %d mistaken\n", t->name, t->rt->version,
		      reused, n, wrong);
	assert_int_equal(wrong, 0);
	assert_true(reused > (int)n / 2);
}

static void check_chunks(struct target *t)
{
	unsigned wrong_live = 0, wrong_freed = 0;

	assert_true(order(t, "blocks"));
	proc_read_maps(t->proc);
	for (size_t i = 0; i < t->n; i++) {
		bool in_use = heap_chunk_in_use(t->heap, t->v[i].addr, t->v[i].bytes);

		if (in_use == !strcmp(t->v[i].kind, "live"))
			continue;
		print_error("%s %s block of %lu misjudged\n", t->name, t->v[i].kind, t->v[i].bytes);
		wrong_live += !in_use;
		wrong_freed += in_use;
	}
	assert_int_equal(wrong_live, 0);
	/* glibc before 2.32 leaves no mark in a fastbin chunk. */
	assert_true(wrong_freed <= 7);
}

/* Interpreters with a GIL of their own have arenas of their own. */
static void check_interpreter(struct target *t)
{
	struct heap_census was, now;

	if (t->rt->minor < 12 || !heap_has_pools(t->heap))
		return;
	assert_int_equal(heap_census(t->heap, &was), 0);
	assert_true(order(t, "interp"));
	assert_int_equal(heap_census(t->heap, &now), 0);
	print_message("%s: a second interpreter adds %lu pools, %lu strings and ints, %lu tuples\n",
		      t->name, now.pools - was.pools,
		      now.live[2] + now.live[1] - was.live[2] - was.live[1],
		      now.live[3] + now.live[4] - was.live[3] - was.live[4]);
	assert_true(now.live[3] + now.live[4] >= was.live[3] + was.live[4] + 50000);
}

static void check_python(const char *python)
{
	struct target t;

	if (!start(&t, python))
		return;
	check_sizes(&t);
	if (t.rt->allocator != PY_ALLOC_MIMALLOC)
		check_parts(&t);
	check_census(&t);
	check_identity(&t);
	check_chunks(&t);
	check_interpreter(&t);
	stop(&t);
}

static void reads_known_objects(void **state)
{
	const char *env = getenv("PYLEAK_TEST_PYTHONS");
	char *list = env ? strdup(env) : NULL;

	(void)state;
	check_python("/usr/bin/python3");
	for (char *p = list ? strtok(list, " ") : NULL; p; p = strtok(NULL, " "))
		check_python(p);
	free(list);
}

/* Processor time of our own: the machine may be busy. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int count_down(const struct heap_progress *at, void *left)
{
	(void)at;
	return --*(int *)left ? 0 : -ECANCELED;
}

/* The machine's own Python, for several tests. */
static struct target shared;

static void census_of_many_pools_is_fast(void **state)
{
	struct heap_census c;
	int left = 1000;
	uint64_t from;

	(void)state;
	if (!shared.heap || !heap_has_pools(shared.heap))
		skip();
	assert_true(order(&shared, "fill 600000"));
	from = cpu_ns();
	for (int i = 0; i < 3; i++)
		assert_int_equal(heap_census(shared.heap, &c), 0);
	print_message("%lu pools: %lu us wall, %lu ns of processor per pool\n", c.pools,
		      c.cost_ns / 1000, (cpu_ns() - from) / 3 / c.pools);
	assert_true(c.pools > 5000);
	/* Whoever watches is told all the time, and may end it. */
	heap_watch_by(shared.heap, count_down, &left);
	assert_int_equal(heap_census(shared.heap, &c), 0);
	assert_true(1000 - left >= (int)(c.pools / 1024) - 1);
	left = 2;
	assert_int_equal(heap_census(shared.heap, &c), -ECANCELED);
	heap_watch_by(shared.heap, NULL, NULL);
}

/* Anything may lie at an address by the time it is read. */
static void survives_garbage(void **state)
{
	static struct heap_object v[1024];
	struct heap_census c;
	const char *env = getenv("PYLEAK_TEST_PYTHONS");
	uint64_t torn = 0, good = 0, in_use = 0, in_block = 0;
	struct target t;
	size_t n;

	(void)state;
	if (!start(&t, env && *env && !strchr(env, ' ') ? env : "/usr/bin/python3"))
		return;
	if (!heap_has_pools(t.heap)) {
		stop(&t);
		skip();
	}
	n = t.n;
	assert_true(order(&t, "churn"));
	assert_int_equal(t.n, 0);
	t.n = n;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		assert_int_equal(heap_census(t.heap, &c), 0);
		torn += c.torn;
		for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
			const struct proc_map *m = &t.proc->maps[(size_t)rand() % t.proc->n_maps];
			uint64_t obj, type;

			while (!m->writable)
				m = &t.proc->maps[(size_t)rand() % t.proc->n_maps];
			v[i].addr = m->start + (((uint64_t)rand() << 4) % (m->end - m->start));
			v[i].type = t.v[(size_t)rand() % t.n].type;
			if (i & 1)
				proc_read_u64(t.proc, v[i].addr + 8, &v[i].type);
			if (i % 16 == 0) {
				in_use += heap_chunk_in_use(t.heap, v[i].addr, 64);
				in_block +=
					!heap_object_in_block(t.heap, v[i].addr, 200, &obj, &type);
			}
		}
		good += heap_read_objects(t.heap, v, ARRAY_SIZE(v), HEAP_FULL);
	}
	print_message("%d censuses of a busy target: %lu of %lu headers torn each; %lu of %zu "
		      "addresses an object, %lu chunks, %lu blocks with an object\n",
		      ROUNDS, torn / ROUNDS, c.pools, good, ROUNDS * ARRAY_SIZE(v), in_use,
		      in_block);
	assert_true(good > 100);
	stop(&t);
}

static void write_word(pid_t pid, uint64_t addr, uint64_t word)
{
	struct iovec here = {&word, sizeof(word)}, there = {(void *)addr, sizeof(word)};

	assert_int_equal(process_vm_writev(pid, &here, 1, &there, 1, 0), sizeof(word));
}

/* Where an object died may be a node of a list whose head is static data, which is at a low address
 * in Debian's programs. */
static void a_pointer_to_static_data_is_no_count(void **state)
{
	struct heap_object o = {0};
	uint64_t count;

	(void)state;
	if (!shared.heap)
		skip();
	o.addr = shared.v[0].addr;
	o.type = shared.v[0].type;
	assert_int_equal(heap_read_objects(shared.heap, &o, 1, HEAP_FULL), 1);
	assert_int_equal(proc_read_u64(shared.proc, shared.v[0].addr, &count), 0);
	write_word(shared.pid, shared.v[0].addr, shared.v[0].type);
	assert_int_equal(heap_read_objects(shared.heap, &o, 1, HEAP_FULL), 0);
	write_word(shared.pid, shared.v[0].addr, count);
}

static void reading_is_cheap(void **state)
{
	static struct heap_object v[5000];
	uint64_t from;

	(void)state;
	if (!shared.heap)
		skip();
	for (int depth = HEAP_IDENTITY; depth <= HEAP_FULL; depth++) {
		for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
			v[i].addr = shared.v[i % shared.n].addr;
			v[i].type = shared.v[i % shared.n].type;
		}
		from = cpu_ns();
		assert_int_equal(heap_read_objects(shared.heap, v, ARRAY_SIZE(v), depth),
				 ARRAY_SIZE(v));
		print_message("depth %d: %lu ns per object\n", depth,
			      (cpu_ns() - from) / ARRAY_SIZE(v));
	}
}

static int start_shared(void **state)
{
	(void)state;
	start(&shared, "/usr/bin/python3");
	return 0;
}

static int stop_shared(void **state)
{
	(void)state;
	stop(&shared);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_known_objects),
		cmocka_unit_test(a_pointer_to_static_data_is_no_count),
		cmocka_unit_test(reading_is_cheap),
		cmocka_unit_test(census_of_many_pools_is_fast),
		cmocka_unit_test(survives_garbage),
	};

	return cmocka_run_group_tests(tests, start_shared, stop_shared);
}

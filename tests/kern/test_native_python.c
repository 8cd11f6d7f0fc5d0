/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native blocks of Python programs: the leaking lines, with the right sizes, and no others of ours.
 * Needs root; uses the Pythons it finds. */
#include "heap/heap.h"
#include "track/native.h"
#include "stacks/stacks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pyleak.skel.h"

#define TARGET "tests/kern/native_target.py"

struct fixture {
	pid_t pid;
	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;
	struct stacks *stacks;
	struct pyleak_bpf *skel;
	struct ring_buffer *ring;
	struct native *native;
	struct account account;
};

static int on_stack(void *arg, void *data, size_t size)
{
	struct fixture *f = arg;

	stacks_add(f->stacks, data, size);
	return 0;
}

static void nap(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void start(struct fixture *f, const char *python)
{
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (!f->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		execl(python, python, TARGET, (char *)NULL);
		_exit(127);
	}
	/* until it has come up: CPython's state is there and threads run */
	for (int i = 0; i < 100; i++) {
		nap(100);
		if (!proc_open(f->pid, &f->proc)) {
			if (!py_open(f->proc, &f->rt))
				break;
			proc_close(f->proc);
			f->proc = NULL;
		}
	}
	if (!f->rt)
		fail_msg("%s: %s", python, fail_text());
	nap(500);
	assert_int_equal(heap_open(f->rt, &f->heap), 0);
	assert_int_equal(stacks_new(f->rt, &f->stacks), 0);
}

static void attach(struct fixture *f, double share)
{
	struct native_spec spec = {
		.proc = f->proc,
		.heap = f->heap,
		.mechanism = PROBE_TRACEFS,
		.account = &f->account,
		.older_ns = 500000000,
	};

	f->skel = pyleak_bpf__open();
	assert_non_null(f->skel);
	f->skel->rodata->config.tgid = (uint32_t)f->pid;
	f->skel->rodata->config.walk = f->rt->walk;
	f->skel->rodata->config.max_size = UINT64_MAX;
	f->skel->rodata->config.max_frames = PL_MAX_FRAMES;
	f->skel->rodata->config.type_offset = 8;
	assert_int_equal(pyleak_bpf__load(f->skel), 0);
	f->ring = ring_buffer__new(bpf_map__fd(f->skel->maps.ring), on_stack, f, NULL);
	assert_non_null(f->ring);
	spec.skel = f->skel;
	account_open(&f->account, LEDGER_NATIVE, share, clock_ns());
	if (native_open(&spec, &f->native))
		fail_msg("native_open: %s", fail_text());
}

static void stop(struct fixture *f)
{
	native_close(f->native);
	ring_buffer__free(f->ring);
	pyleak_bpf__destroy(f->skel);
	stacks_free(f->stacks);
	heap_close(f->heap);
	py_close(f->rt);
	proc_close(f->proc);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
}

static void watch(struct fixture *f, int seconds)
{
	struct heap_census census;

	for (uint64_t end = clock_ns() + (uint64_t)seconds * 1000000000u; clock_ns() < end;
	     nap(100)) {
		ring_buffer__consume(f->ring);
		if (native_poll(f->native))
			fail_msg("%s", fail_text());
	}
	heap_census(f->heap, &census); /* which arenas there are now */
}

/* Number of the line of the target's source that is marked so. */
static int line_of(const char *mark)
{
	FILE *s = fopen(TARGET, "r");
	char text[256], want[64];
	int line = 0;

	assert_non_null(s);
	snprintf(want, sizeof(want), "# LINE %s\n", mark);
	while (fgets(text, sizeof(text), s)) {
		line++;
		if (strstr(text, want)) {
			fclose(s);
			return line;
		}
	}
	fail_msg("no line is marked %s", mark);
	return -1;
}

static int site_line(struct fixture *f, const struct native_site *s)
{
	const struct stack *st = stacks_find(f->stacks, s->key.stack);

	return st && st->n && st->frame[0].code &&
			       strstr(py_code_file(st->frame[0].code), "native_target")
		       ? st->frame[0].line
		       : 0;
}

/* Live bytes per block of the sites of one line, and how many blocks. */
static double blocks_at(struct fixture *f, const struct native_sites *s, int line, double *each)
{
	double bytes = 0, count = 0;

	for (size_t i = 0; i < s->n; i++)
		if (site_line(f, &s->v[i]) == line) {
			bytes += s->v[i].live_bytes;
			count += s->v[i].live_count;
		}
	*each = count ? bytes / count : 0;
	return count;
}

static void show(struct fixture *f, const struct native_sites *s)
{
	for (size_t i = 0; i < s->n && i < 8; i++) {
		const struct stack *st = stacks_find(f->stacks, s->v[i].key.stack);
		const struct proc_map *m = proc_find_map(f->proc, s->v[i].key.caller);

		print_message("    %.0f bytes in %.0f blocks, objects %u of %u, %s+%#llx",
			      s->v[i].live_bytes, s->v[i].live_count, s->v[i].objects,
			      s->v[i].checked, m ? m->path : "?",
			      m ? s->v[i].key.caller - m->start + m->offset : 0ull);
		for (uint32_t k = 0; st && k < st->n && k < 3; k++)
			print_message(" < %s:%d",
				      st->frame[k].code ? py_code_function(st->frame[k].code) : "?",
				      st->frame[k].line);
		print_message("\n");
	}
}

static void check_lines(struct fixture *f, const struct native_sites *s)
{
	double each, n;

	n = blocks_at(f, s, line_of("ctypes"), &each);
	assert_true(n > 50 && each == 7001);
	n = blocks_at(f, s, line_of("thread"), &each);
	assert_true(n > 50 && each == 7002);
	n = blocks_at(f, s, line_of("bytes"), &each);
	assert_true(n > 50 && each > 100000 && each < 102400 + 64); /* and the list */
	n = blocks_at(f, s, line_of("churn"), &each);
	assert_true(n <= 1);
}

static void one(const char *python)
{
	struct fixture f = {0};
	struct native_sites s;

	start(&f, python);
	attach(&f, 0.05);
	assert_int_equal(native_state(f.native), NATIVE_EXACT);
	watch(&f, 4);
	ring_buffer__consume(f.ring);
	assert_int_equal(native_sites(f.native, &s), 0);
	proc_read_maps(f.proc);
	print_message("  %s (%s): %zu sites, cost %.2f %%\n", python, f.rt->version, s.n,
		      100 * f.account.of_late);
	if (getenv("V"))
		show(&f, &s);
	check_lines(&f, &s);
	native_sites_free(&s);
	stop(&f);
}

static void leaking_lines_are_named(void **state)
{
	char pattern[4096];
	glob_t g = {0};
	size_t done = 0;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.*/bin/python3.*[0-9]",
		 getenv("HOME") ? getenv("HOME") : "");
	glob("/usr/bin/python3.*[0-9]", 0, NULL, &g);
	glob(pattern, GLOB_APPEND, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *minor = strstr(g.gl_pathv[i], "python3.") + 8;

		if (access(g.gl_pathv[i], X_OK) || atoi(minor) < 8)
			continue;
		if (getenv("PYTHON") && !strstr(g.gl_pathv[i], getenv("PYTHON")))
			continue;
		one(g.gl_pathv[i]);
		done++;
	}
	globfree(&g);
	if (!done)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaking_lines_are_named),
	};

	if (geteuid()) {
		print_message("needs root: skipped\n");
		return 77;
	}
	if (getenv("V"))
		log_set_level(LOG_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

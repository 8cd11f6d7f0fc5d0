/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every way to get a descriptor, by probes on libc and by tracepoints: the line, and what is still
 * open. Needs root. */
#include "py/py.h"
#include "probe/mechanism_priv.h"
#include "track/fds_priv.h"
#include "stacks/stacks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pyleak.skel.h"

#define PYTHON "/usr/bin/python3"
#define TARGET "tests/kern/fds_target.py"

struct fixture {
	pid_t pid;
	struct proc *proc;
	struct py_runtime *rt;
	struct stacks *stacks;
	struct pyleak_bpf *skel;
	struct ring_buffer *ring;
	struct fds *fds;
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

/* Sleeping in its loop: the handler is in place. */
static bool is_ready(pid_t pid)
{
	char path[64], line[128];
	unsigned long long caught = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SigCgt: %llx", &caught);
	if (f)
		fclose(f);
	return caught >> (SIGUSR1 - 1) & 1;
}

static void start(struct fixture *f)
{
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (!f->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		execl(PYTHON, PYTHON, "-B", TARGET, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 300 && !is_ready(f->pid); i++)
		nap(100);
	assert_true(is_ready(f->pid));
	assert_int_equal(proc_open(f->pid, &f->proc), 0);
	assert_int_equal(py_open(f->proc, &f->rt), 0);
	assert_int_equal(stacks_new(f->rt, &f->stacks), 0);
}

static void attach(struct fixture *f, enum fds_means means)
{
	struct fds_spec spec = {
		.proc = f->proc,
		.means = means,
		.mechanism = PROBE_TRACEFS,
		.account = &f->account,
	};

	f->skel = pyleak_bpf__open();
	assert_non_null(f->skel);
	f->skel->rodata->config.tgid = (uint32_t)f->pid;
	f->skel->rodata->config.walk = f->rt->walk;
	f->skel->rodata->config.max_frames = PL_MAX_FRAMES;
	fds_prepare(f->skel, means);
	assert_int_equal(pyleak_bpf__load(f->skel), 0);
	f->ring = ring_buffer__new(bpf_map__fd(f->skel->maps.ring), on_stack, f, NULL);
	assert_non_null(f->ring);
	spec.skel = f->skel;
	account_open(&f->account, LEDGER_FDS, 1, clock_ns());
	assert_int_equal(fds_open(&spec, &f->fds), 0);
	assert_string_equal(fds_note(f->fds), "");
	assert_int_equal(fds_means(f->fds), means);
}

static void stop(struct fixture *f)
{
	fds_close(f->fds);
	ring_buffer__free(f->ring);
	pyleak_bpf__destroy(f->skel);
	stacks_free(f->stacks);
	py_close(f->rt);
	proc_close(f->proc);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
}

/* Line of the target's own file at which a thing was opened; 0: not known. */
static int line_of(struct fixture *f, uint64_t id)
{
	const struct stack *st = stacks_find(f->stacks, id);

	for (uint32_t i = 0; st && i < st->n; i++)
		if (st->frame[i].code && strstr(py_code_file(st->frame[i].code), TARGET))
			return st->frame[i].line;
	return 0;
}

static size_t count(struct fixture *f, int line, bool is_task, enum fds_kind *kind)
{
	struct fds_sites sites;
	size_t n = 0;

	assert_int_equal(fds_sites(f->fds, &sites), 0);
	for (size_t i = 0; i < sites.n; i++) {
		if (sites.v[i].is_task != is_task || line_of(f, sites.v[i].stack) != line)
			continue;
		n += sites.v[i].n;
		*kind = sites.v[i].things[0]->kind;
	}
	fds_sites_free(&sites);
	return n;
}

static void look(struct fixture *f)
{
	fds_poll(f->fds, true);
	ring_buffer__consume(f->ring);
}

/* Every marked line of the target against what was found. */
static void check_lines(struct fixture *f, enum fds_means means)
{
	char text[256];
	FILE *src = fopen(TARGET, "re");
	enum fds_kind kind = FDS_KINDS;

	assert_non_null(src);
	for (int line = 1; fgets(text, sizeof(text), src); line++) {
		const char *mark = strstr(text, "# OPENS ");
		size_t want = mark ? (size_t)atoi(mark + 8) : 0, have;

		if (strstr(text, "# UNSEEN"))
			want = means == FDS_SYSCALLS;
		have = count(f, line, false, &kind);
		if (have != want)
			fail_msg("line %d has %zu open, not %zu: %s", line, have, want, text);
		if (strstr(text, "threading.Thread(")) {
			assert_int_equal(count(f, line, true, &kind), 1);
			assert_int_equal(kind, FDS_THREAD);
		} else if (strstr(text, "Popen(")) {
			assert_int_equal(count(f, line, true, &kind), 1);
			assert_int_equal(kind, FDS_CHILD);
		}
	}
	fclose(src);
}

static void have_it_open(struct fixture *f, const struct fds_totals *before, struct fds_totals *now)
{
	kill(f->pid, SIGUSR1);
	for (int i = 0; i < 600; i++) { /* the thread is its last but one */
		nap(50);
		look(f);
		fds_totals(f->fds, now);
		if (now->threads > before->threads)
			break;
	}
	nap(500);
	look(f);
	fds_totals(f->fds, now);
}

static void every_way(enum fds_means means)
{
	struct fixture f = {0};
	struct fds_totals before, now;

	start(&f);
	attach(&f, means);
	fds_totals(f.fds, &before);
	assert_int_equal(before.open, before.before);
	have_it_open(&f, &before, &now);
	check_lines(&f, means);
	assert_int_equal(now.before, before.open);
	assert_int_equal(now.unknown, means == FDS_SYSCALLS ? 0 : 1);
	assert_int_equal(now.open, before.open + 16);
	assert_in_range(f.fds->ctl->started, 2, 10);
	stop(&f);
}

/* Those on fcntl are the first and the last, which is how sets are taken out soonest. */
static void fcntl_is_probed_no_longer_than_need_be(void **state)
{
	struct fixture f = {0};

	(void)state;
	start(&f);
	attach(&f, FDS_LIBC);
	assert_string_equal(f.fds->set[0]->label, "fdmany");
	assert_string_equal(f.fds->set[f.fds->n_sets - 1]->label, "fdentry");
	stop(&f);
}

static void libc_tells_every_way(void **state)
{
	(void)state;
	every_way(FDS_LIBC);
}

static void tracepoints_tell_every_way(void **state)
{
	(void)state;
	every_way(FDS_SYSCALLS);
}

/* As while the probes of a window go in, or out again: each call pays for them. */
static void calls_that_are_not_recorded_are_counted(void **state)
{
	struct fixture f = {0};
	struct fds_totals before, now;
	const struct pl_fd_ctl *ctl;

	(void)state;
	start(&f);
	attach(&f, FDS_LIBC);
	ctl = f.fds->ctl;
	fds_totals(f.fds, &before);
	f.fds->ctl->is_on = 0;
	have_it_open(&f, &before, &now);
	assert_int_equal(ctl->calls + ctl->opened, 0);
	assert_in_range(ctl->unrecorded, 9, 1000);
	assert_in_range(ctl->unrecorded_many, 7, 1000);
	stop(&f);
}

/* A tool that stands still costs no walk, and what is started meanwhile is counted afterwards. */
static void starts_have_no_line_while_the_programs_sleep(void **state)
{
	const struct pl_stats asleep = {.asleep = 1};
	struct fixture f = {0};
	struct fds_totals before, now;
	struct fds_sites sites;
	uint32_t zero = 0;

	(void)state;
	start(&f);
	attach(&f, FDS_LIBC);
	fds_totals(f.fds, &before);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(f.skel->maps.stats), &zero, &asleep, 0),
			 0);
	have_it_open(&f, &before, &now);
	assert_int_equal(now.threads, before.threads + 1);
	assert_int_equal(now.children, before.children + 1);
	assert_int_equal(fds_sites(f.fds, &sites), 0);
	assert_int_equal(sites.n, 0);
	fds_sites_free(&sites);
	assert_int_equal(f.fds->ctl->started, 0);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libc_tells_every_way),
		cmocka_unit_test(tracepoints_tell_every_way),
		cmocka_unit_test(fcntl_is_probed_no_longer_than_need_be),
		cmocka_unit_test(calls_that_are_not_recorded_are_counted),
		cmocka_unit_test(starts_have_no_line_while_the_programs_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

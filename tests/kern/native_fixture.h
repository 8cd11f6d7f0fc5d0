/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program whose native blocks are watched: one binary, which starts itself again as its target.
 */
#ifndef PYLEAK_TESTS_NATIVE_FIXTURE_H
#define PYLEAK_TESTS_NATIVE_FIXTURE_H

#include "native_child.h"
#include "native_child.c"
#include "track/native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pyleak.skel.h"

struct fixture {
	pid_t pid;
	int to, from;
	struct proc *proc;
	struct pyleak_bpf *skel;
	struct native *native;
	struct account account;
	enum probe_mechanism mechanism;
	struct child_answer *answer;
	struct child_block *held; /* of all commands so far */
	size_t n_held;
};

static void start_child(struct fixture *f)
{
	int a[2], b[2];

	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (!f->pid) {
		char in[16], out[16];

		snprintf(in, sizeof(in), "%d", a[0]);
		snprintf(out, sizeof(out), "%d", b[1]);
		close(a[1]);
		close(b[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		execl("/proc/self/exe", "native_child", "child", in, out, (char *)NULL);
		_exit(127);
	}
	close(a[0]);
	close(b[1]);
	fcntl(a[1], F_SETFD, FD_CLOEXEC);
	fcntl(b[0], F_SETFD, FD_CLOEXEC);
	f->to = a[1];
	f->from = b[0];
}

static void tell(struct fixture *f, char what)
{
	assert_int_equal(write(f->to, &what, 1), 1);
}

static void hear(struct fixture *f)
{
	char *p = (char *)f->answer;
	size_t left = sizeof(*f->answer);

	while (left) {
		ssize_t n = read(f->from, p, left);

		assert_true(n > 0);
		p += n;
		left -= (size_t)n;
	}
}

static void load(struct fixture *f, uint64_t min_size, uint64_t max_size)
{
	struct bpf_program *p;

	f->skel = pyleak_bpf__open();
	assert_non_null(f->skel);
	f->skel->rodata->config.tgid = (uint32_t)f->pid;
	f->skel->rodata->config.min_size = min_size;
	f->skel->rodata->config.max_size = max_size;
	f->skel->rodata->config.max_frames = PL_MAX_FRAMES;
	bpf_object__for_each_program(p, f->skel->obj) bpf_program__set_expected_attach_type(
		p, (enum bpf_attach_type)probe_attach_type(f->mechanism));
	assert_int_equal(pyleak_bpf__load(f->skel), 0);
}

static void open_native(struct fixture *f, double share, bool force_exact)
{
	struct native_spec spec = {
		.proc = f->proc,
		.skel = f->skel,
		.mechanism = f->mechanism,
		.account = &f->account,
		.force_exact = force_exact,
	};

	account_open(&f->account, LEDGER_NATIVE, share, clock_ns());
	if (native_open(&spec, &f->native))
		fail_msg("native_open: %s", fail_text());
}

static struct fixture *make(enum probe_mechanism m)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mechanism = m;
	f->answer = calloc(1, sizeof(*f->answer));
	start_child(f);
	tell(f, '-'); /* it has come up when it answers */
	hear(f);
	if (proc_open(f->pid, &f->proc))
		fail_msg("%s", fail_text());
	return f;
}

static void unmake(struct fixture *f)
{
	native_close(f->native);
	pyleak_bpf__destroy(f->skel);
	proc_close(f->proc);
	close(f->to);
	close(f->from);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	free(f->answer);
	free(f->held);
	free(f);
}

/* "child IN OUT": it is the target; NAME: that test alone. */
static bool is_child(int argc, char **argv)
{
	return argc == 4 && !strcmp(argv[1], "child");
}

static bool may_run(int argc, char **argv)
{
	if (geteuid()) {
		print_message("needs root: skipped\n");
		return false;
	}
	if (getenv("V"))
		log_set_level(LOG_DEBUG);
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return true;
}

#endif

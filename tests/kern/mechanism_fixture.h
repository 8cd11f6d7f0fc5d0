/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For test_mechanism.c: a process that calls probed functions on demand, a look at its text from
 * outside, and a BPF program that counts. */
#ifndef PYLEAK_TESTS_MECHANISM_FIXTURE_H
#define PYLEAK_TESTS_MECHANISM_FIXTURE_H

#include "probe/mechanism_priv.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define DEADLINE_NS 10000000000ull
#define MANY	    2048 /* PL_MAX_SITES */
#define PAGE	    4096

/* ---- The functions that are probed. ---- */

__attribute__((noinline, used)) static void plain_one(void)
{
	__asm__ volatile("nop");
}

__attribute__((noinline, used)) static void plain_two(void)
{
	__asm__ volatile("nop\n\tnop");
}

/* One byte of code per site. */
void many_sites(void);
__asm__(".pushsection .text\n"
	".balign 16\n"
	".globl many_sites\n"
	"many_sites:\n"
	".rept 2048\n\tnop\n.endr\n"
	"\tret\n"
	".popsection\n");

enum { ONE, TWO, ALL, FUNCTIONS };
static void (*const functions[FUNCTIONS])(void) = {plain_one, plain_two, many_sites};

/* Offset in the file = address - start of the mapping + its file offset; from our own maps. */
__attribute__((unused)) static uint64_t offset_of(const void *function)
{
	unsigned long start, end, offset;
	char line[4352];
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (uintptr_t)function >= start && (uintptr_t)function < end) {
			fclose(f);
			return (uintptr_t)function - start + offset;
		}
	}
	fail_msg("no mapping of our own text");
	return 0;
}

/* ---- The target: this program, executed with "--target FD". It obeys the shared page. ---- */

struct board {
	atomic_uint which;	     /* function to call */
	atomic_ulong asked, done[2]; /* calls, by thread */
	atomic_int want_fork, want_exec, want_leader_exit, generation, fork_pid, fork_calls;
};

struct target {
	pid_t pid;
	struct board *board;
	int fd;
};

struct worker {
	struct board *board;
	int number;
};

__attribute__((unused)) static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		if (atomic_load(&w->board->done[w->number]) < atomic_load(&w->board->asked)) {
			functions[atomic_load(&w->board->which)]();
			atomic_fetch_add(&w->board->done[w->number], 1);
			continue;
		}
		if (w->number)
			usleep(200);
		else
			return NULL;
	}
}

__attribute__((unused)) static void target_fork(struct board *b)
{
	pid_t pid = fork();

	atomic_store(&b->want_fork, 0);
	if (pid) {
		atomic_store(&b->fork_pid, pid);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		plain_one();
		atomic_fetch_add(&b->fork_calls, 1);
		usleep(200);
	}
}

__attribute__((unused)) static int target_main(const char *fd_text)
{
	struct board *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd_text), 0);
	struct worker main_thread = {b, 0}, second = {b, 1};
	pthread_t thread;

	if (b == MAP_FAILED || pthread_create(&thread, NULL, work, &second))
		return 1;
	atomic_fetch_add(&b->generation, 1);
	for (;;) {
		work(&main_thread);
		if (atomic_load(&b->want_fork))
			target_fork(b);
		if (atomic_exchange(&b->want_exec, 0))
			execl("/proc/self/exe", "target", "--target", fd_text, NULL);
		if (atomic_exchange(&b->want_leader_exit, 0))
			pthread_exit(NULL);
		usleep(200);
	}
}

#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t end_ = clock_ns() + DEADLINE_NS;                      \
		while (!(condition)) {                                         \
			if (clock_ns() > end_)                                 \
				fail_msg("waited in vain for %s", #condition); \
			usleep(500);                                           \
		}                                                              \
	} while (0)

__attribute__((unused)) static struct target target_start(const char *exe)
{
	struct target t = {.fd = memfd_create("board", 0)};
	char number[16];

	assert_true(t.fd >= 0 && !ftruncate(t.fd, PAGE));
	t.board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd, 0);
	assert_true(t.board != MAP_FAILED);
	snprintf(number, sizeof(number), "%d", t.fd);
	t.pid = fork();
	if (!t.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(exe, "target", "--target", number, NULL);
		_exit(127);
	}
	wait_until(atomic_load(&t.board->generation) == 1);
	return t;
}

__attribute__((unused)) static void target_stop(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	munmap(t->board, PAGE);
	close(t->fd);
}

/* Both threads make @n calls each. */
__attribute__((unused)) static void target_call(struct target *t, int which, unsigned long n)
{
	atomic_store(&t->board->which, (unsigned int)which);
	atomic_fetch_add(&t->board->asked, n);
	wait_until(atomic_load(&t->board->done[0]) == atomic_load(&t->board->asked));
	wait_until(atomic_load(&t->board->done[1]) == atomic_load(&t->board->asked));
}

/* Bytes of the executable mapping of process @pid's program that differ from its file. */
__attribute__((unused)) static long foreign_bytes(pid_t pid)
{
	unsigned long start, end, offset;
	char path[64], exe[64], line[4352], flags[8];
	uint8_t live[PAGE], file[PAGE];
	struct stat st;
	long differ = -1;
	FILE *f;

	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	auto_close int mem = open(path, O_RDONLY | O_CLOEXEC);
	auto_close int fd = open(exe, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (mem < 0 || fd < 0 || !f || fstat(fd, &st))
		return -1;
	while (fgets(line, sizeof(line), f)) {
		unsigned long inode = 0;

		if (sscanf(line, "%lx-%lx %7s %lx %*s %lu", &start, &end, flags, &offset, &inode) !=
		    5)
			continue;
		if (flags[2] != 'x' || inode != st.st_ino)
			continue;
		differ = differ < 0 ? 0 : differ;
		for (; start < end; start += PAGE, offset += PAGE) {
			memset(file, 0, sizeof(file));
			if (pread(mem, live, PAGE, (off_t)start) != PAGE ||
			    pread(fd, file, PAGE, (off_t)offset) <= 0)
				continue;
			for (int i = 0; i < PAGE; i++)
				differ += live[i] != file[i] &&
					  offset + (unsigned long)i < (unsigned long)st.st_size;
		}
	}
	fclose(f);
	return differ;
}

/* ---- A BPF program that counts, assembled by hand. ---- */

struct counter {
	int map, prog;
};

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}

__attribute__((unused)) static struct counter counter_new(enum probe_mechanism m)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)probe_attach_type(m));
	struct counter c = {.map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, NULL)};
	const struct bpf_insn prog[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, c.map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	c.prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "count", "Dual BSD/GPL", prog,
			       ARRAY_SIZE(prog), &opts);
	assert_true(c.map >= 0 && c.prog >= 0);
	return c;
}

__attribute__((unused)) static uint64_t counter_read(const struct counter *c)
{
	uint32_t zero = 0;
	uint64_t n = 0;

	assert_int_equal(bpf_map_lookup_elem(c->map, &zero, &n), 0);
	return n;
}

__attribute__((unused)) static void counter_free(struct counter *c)
{
	close(c->prog);
	close(c->map);
}

/* ---- Helpers around sets. ---- */

__attribute__((unused)) static void ok(int err)
{
	if (err)
		fail_msg("%d: %s", err, fail_text());
}

__attribute__((unused)) static struct probe_set *set_on_function(enum probe_mechanism m,
								 const char *file, pid_t pid,
								 int which, const struct counter *c,
								 bool on_return)
{
	uint64_t offsets[MANY];
	struct probe_set *s = NULL;
	auto_close int file_fd = open(file, O_RDONLY | O_CLOEXEC);
	struct probe_set_spec spec = {
		.file_fd = file_fd,
		.offsets = offsets,
		.n = which == ALL ? MANY : 1,
		.pid = pid,
		.prog_fd = c->prog,
		.on_return = on_return,
		.label = "kern test",
	};

	for (size_t i = 0; i < spec.n; i++)
		offsets[i] = offset_of((const void *)functions[which]) + i;
	ok(probe_set_open(m, &spec, &s));
	return s;
}

__attribute__((unused)) static enum probe_mechanism usable(void **state)
{
	enum probe_mechanism m = (enum probe_mechanism)(uintptr_t)*state, got;

	if (probe_choose(1, m, &got)) {
		print_message("skip: %s\n", fail_text());
		skip();
	}
	return m;
}

/* Lines of uprobe_events of process @pid. */
__attribute__((unused)) static int definitions(pid_t pid)
{
	char line[512], mine[32];
	FILE *f = fopen("/sys/kernel/tracing/uprobe_events", "re");
	int n = 0;

	if (!f)
		f = fopen("/sys/kernel/debug/tracing/uprobe_events", "re");
	snprintf(mine, sizeof(mine), ":pyleak_%d_", pid);
	while (f && fgets(line, sizeof(line), f))
		n += !strncmp(line + 1, mine, strlen(mine));
	if (f)
		fclose(f);
	return n;
}

/* Removes the definitions of process @pid, a child of this one that was killed. */
__attribute__((unused)) static void remove_definitions(pid_t pid)
{
	static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	char path[64], line[512], mine[32], *blank;

	snprintf(mine, sizeof(mine), ":pyleak_%d_", pid);
	for (int r = 0; r < 2; r++) {
		snprintf(path, sizeof(path), "%s/uprobe_events", roots[r]);
		for (FILE *f; definitions(pid) && (f = fopen(path, "re")); fclose(f)) {
			int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

			while (fgets(line, sizeof(line), f) &&
			       strncmp(line + 1, mine, strlen(mine)))
				;
			blank = strchr(line, ' ');
			assert_non_null(blank);
			assert_true(dprintf(fd, "-%.*s\n", (int)(blank - line - 1), line + 1) > 0);
			close(fd);
		}
	}
	assert_int_equal(definitions(pid), 0);
}

#endif

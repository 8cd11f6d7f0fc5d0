/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probe mechanisms against real processes: needs root and a kernel with uprobes. */
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

__attribute__((noinline, noclone, used)) static void plain_one(void)
{
	__asm__ volatile("nop");
}

__attribute__((noinline, noclone, used)) static void plain_two(void)
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
static uint64_t offset_of(const void *function)
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

static void *work(void *arg)
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

static void target_fork(struct board *b)
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

static int target_main(const char *fd_text)
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

static struct target target_start(const char *exe)
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

static void target_stop(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	munmap(t->board, PAGE);
	close(t->fd);
}

/* Both threads make @n calls each. */
static void target_call(struct target *t, int which, unsigned long n)
{
	atomic_store(&t->board->which, (unsigned int)which);
	atomic_fetch_add(&t->board->asked, n);
	wait_until(atomic_load(&t->board->done[0]) == atomic_load(&t->board->asked));
	wait_until(atomic_load(&t->board->done[1]) == atomic_load(&t->board->asked));
}

/* Bytes of the executable mapping of process @pid's program that differ from its file. */
static long foreign_bytes(pid_t pid)
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

static struct counter counter_new(enum probe_mechanism m)
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

static uint64_t counter_read(const struct counter *c)
{
	uint32_t zero = 0;
	uint64_t n = 0;

	assert_int_equal(bpf_map_lookup_elem(c->map, &zero, &n), 0);
	return n;
}

static void counter_free(struct counter *c)
{
	close(c->prog);
	close(c->map);
}

/* ---- Helpers around sets. ---- */

static void ok(int err)
{
	if (err)
		fail_msg("%d: %s", err, fail_text());
}

static struct probe_set *set_on_function(enum probe_mechanism m, const char *file, pid_t pid,
					 int which, const struct counter *c, bool on_return)
{
	uint64_t offsets[MANY];
	struct probe_set *s = NULL;
	struct probe_set_spec spec = {
		.file = file,
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

static enum probe_mechanism usable(void **state)
{
	enum probe_mechanism m = (enum probe_mechanism)(uintptr_t)*state, got;

	if (probe_choose(1, m, &got)) {
		print_message("skip: %s\n", fail_text());
		skip();
	}
	return m;
}

/* Lines of uprobe_events of process @pid. */
static int definitions(pid_t pid)
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

/* ---- The tests. ---- */

static void counts_all_threads_only_while_on(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);

	target_call(&t, ONE, 100);
	assert_int_equal(counter_read(&c), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	for (unsigned int round = 1; round <= 3; round++) {
		ok(probe_set_warm(s));
		ok(probe_set_on(s));
		assert_true(probe_set_is_on(s));
		assert_int_equal(foreign_bytes(t.pid), 1);
		assert_int_equal(foreign_bytes(getpid()), 0);
		plain_one();
		target_call(&t, ONE, 100);
		target_call(&t, TWO, 100);
		ok(probe_set_off(s));
		assert_false(probe_set_is_on(s));
		assert_int_equal(foreign_bytes(t.pid), 0);
		target_call(&t, ONE, 100);
		assert_int_equal(counter_read(&c), 200 * round);
	}
	ok(probe_set_on(s));
	probe_set_close(s);
	assert_int_equal(foreign_bytes(t.pid), 0);
	assert_int_equal(definitions(getpid()), 0);
	counter_free(&c);
	target_stop(&t);
}

static void counts_returns(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, true);

	ok(probe_set_on(s));
	target_call(&t, ONE, 50);
	ok(probe_set_off(s));
	target_call(&t, ONE, 50);
	assert_int_equal(counter_read(&c), 100);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void holds_two_sets_of_one_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c1 = counter_new(m), c2 = counter_new(m);
	struct probe_set *s1 = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c1, false);
	struct probe_set *s2 = set_on_function(m, "/proc/self/exe", t.pid, TWO, &c2, false);

	ok(probe_set_on(s1));
	ok(probe_set_on(s2));
	target_call(&t, ONE, 10);
	target_call(&t, TWO, 20);
	ok(probe_set_off(s1));
	target_call(&t, ONE, 10);
	target_call(&t, TWO, 20);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 80);
	probe_set_close(s1);
	target_call(&t, TWO, 5);
	assert_int_equal(counter_read(&c2), 90);
	probe_set_close(s2);
	assert_int_equal(foreign_bytes(t.pid), 0);
	counter_free(&c1);
	counter_free(&c2);
	target_stop(&t);
}

static void holds_as_many_sites_as_a_target_may_have(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s;

	if (m == PROBE_PERF)
		skip();
	s = set_on_function(m, "/proc/self/exe", t.pid, ALL, &c, false);
	ok(probe_set_on(s));
	assert_int_equal(foreign_bytes(t.pid), MANY);
	target_call(&t, ALL, 3);
	ok(probe_set_off(s));
	assert_int_equal(foreign_bytes(t.pid), 0);
	target_call(&t, ALL, 3);
	assert_int_equal(counter_read(&c), 6 * MANY);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void leaves_a_forked_child_alone(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);
	int calls;

	ok(probe_set_on(s));
	atomic_store(&t.board->want_fork, 1);
	wait_until(atomic_load(&t.board->fork_pid) > 0);
	calls = atomic_load(&t.board->fork_calls);
	wait_until(atomic_load(&t.board->fork_calls) > calls + 20);
	assert_int_equal(counter_read(&c), 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	probe_set_close(s);
	assert_int_equal(foreign_bytes(atomic_load(&t.board->fork_pid)), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	calls = atomic_load(&t.board->fork_calls);
	wait_until(atomic_load(&t.board->fork_calls) > calls + 20);
	kill(atomic_load(&t.board->fork_pid), SIGKILL);
	counter_free(&c);
	target_stop(&t);
}

static void survives_an_exec_of_the_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);
	uint64_t before;

	ok(probe_set_on(s));
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	atomic_store(&t.board->want_exec, 1);
	wait_until(atomic_load(&t.board->generation) == 2);
	/* Whether the probes follow into the new image is the mechanism's affair. */
	target_call(&t, ONE, 10);
	before = counter_read(&c);
	print_message("%s: %llu of 20 calls seen after exec\n", probe_mechanism_name(m),
		      (unsigned long long)before - 20);
	ok(probe_set_off(s));
	assert_int_equal(foreign_bytes(t.pid), 0);
	ok(probe_set_on(s));
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), before + 20);
	probe_set_close(s);
	counter_free(&c);
	target_stop(&t);
}

static void survives_the_end_of_the_target(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct probe_set *s = set_on_function(m, "/proc/self/exe", t.pid, ONE, &c, false);

	ok(probe_set_on(s));
	target_stop(&t);
	ok(probe_set_off(s));
	assert_int_equal(probe_set_on(s), -ESRCH);
	assert_non_null(strstr(fail_text(), "no process"));
	probe_set_close(s);
	assert_int_equal(definitions(getpid()), 0);
	counter_free(&c);
}

static void wait_for_zombie(pid_t pid)
{
	char stat[256] = "", path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (!strstr(stat, ") Z ")) {
		FILE *f = fopen(path, "re");

		assert_non_null(f);
		assert_non_null(fgets(stat, sizeof(stat), f));
		fclose(f);
		usleep(500);
	}
}

static void works_or_refuses_when_the_main_thread_has_ended(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_set_spec spec = {
		.file = "/proc/self/exe",
		.offsets = &offset,
		.n = 1,
		.pid = t.pid,
		.prog_fd = c.prog,
	};
	struct probe_set *s;

	atomic_store(&t.board->want_leader_exit, 1);
	wait_for_zombie(t.pid);
	if (m == PROBE_MULTI) {
		assert_int_equal(probe_set_open(m, &spec, &s), -ENOTSUP);
		assert_non_null(strstr(fail_text(), "main thread"));
	} else {
		ok(probe_set_open(m, &spec, &s));
		ok(probe_set_on(s));
		atomic_fetch_add(&t.board->asked, 10);
		wait_until(atomic_load(&t.board->done[1]) == atomic_load(&t.board->asked));
		ok(probe_set_off(s));
		assert_int_equal(counter_read(&c), 10);
		probe_set_close(s);
	}
	counter_free(&c);
	target_stop(&t);
}

static void opens_awkward_paths(void **state)
{
	enum probe_mechanism m = usable(state);
	char dir[] = "/tmp/pyleak a:b XXXXXX", exe[64], paths[4][128], text[160];
	unsigned long start, end;
	struct target t;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(exe, sizeof(exe), "%s/the exe", dir);
	snprintf(text, sizeof(text), "cp /proc/%d/exe '%s'", getpid(), exe);
	assert_int_equal(system(text), 0);
	t = target_start(exe);
	snprintf(text, sizeof(text), "/proc/%d/maps", t.pid);
	f = fopen(text, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lx-%lx", &start, &end), 2);
	fclose(f);
	snprintf(paths[0], sizeof(paths[0]), "%s", exe);
	snprintf(paths[1], sizeof(paths[1]), "/proc/%d/root%s", t.pid, exe);
	snprintf(paths[2], sizeof(paths[2]), "/proc/%d/exe", t.pid);
	snprintf(paths[3], sizeof(paths[3]), "/proc/%d/map_files/%lx-%lx", t.pid, start, end);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct counter c = counter_new(m);
		struct probe_set *s;

		if (i == 2) /* the last two reach deleted files as well */
			unlink(exe);
		s = set_on_function(m, paths[i], t.pid, ONE, &c, false);
		ok(probe_set_on(s));
		target_call(&t, ONE, 10);
		if (counter_read(&c) != 20)
			fail_msg("%s: %d", paths[i], (int)counter_read(&c));
		probe_set_close(s);
		counter_free(&c);
	}
	rmdir(dir);
	target_stop(&t);
}

/* A second process with the set on; it says so and waits to be killed or released. */
struct tool {
	pid_t pid;
	int ready[2], go[2];
};

static struct tool tool_start(enum probe_mechanism m, const struct target *t,
			      const struct counter *c)
{
	struct tool tool;
	char byte = 0;

	assert_false(pipe2(tool.ready, O_CLOEXEC) || pipe2(tool.go, O_CLOEXEC));
	tool.pid = fork();
	if (!tool.pid) {
		struct probe_set *s = set_on_function(m, "/proc/self/exe", t->pid, ONE, c, false);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (probe_set_warm(s) || probe_set_on(s) || write(tool.ready[1], "x", 1) != 1)
			_exit(1);
		if (read(tool.go[0], &byte, 1) < 0)
			_exit(1);
		probe_set_close(s);
		_exit(0);
	}
	close(tool.ready[1]);
	assert_int_equal(read(tool.ready[0], &byte, 1), 1);
	return tool;
}

static int tool_end(struct tool *tool, int signal)
{
	int status;

	if (signal)
		kill(tool->pid, signal);
	assert_int_equal(write(tool->go[1], "x", 1), 1);
	assert_int_equal(waitpid(tool->pid, &status, 0), tool->pid);
	close(tool->go[0]);
	close(tool->go[1]);
	close(tool->ready[0]);
	return status;
}

static void a_killed_tool_leaves_only_names(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c = counter_new(m);
	struct tool tool = tool_start(m, &t, &c);

	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	tool_end(&tool, SIGKILL);
	wait_until(foreign_bytes(t.pid) == 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c), 20);
	assert_int_equal(definitions(tool.pid), m == PROBE_TRACEFS ? 2 : 0);
	probe_sweep();
	assert_int_equal(definitions(tool.pid), 0);
	counter_free(&c);
	target_stop(&t);
}

static void two_tools_do_not_disturb_each_other(void **state)
{
	enum probe_mechanism m = usable(state);
	struct target t = target_start("/proc/self/exe");
	struct counter c1 = counter_new(m), c2 = counter_new(m);
	struct tool a = tool_start(m, &t, &c1), b = tool_start(m, &t, &c2);

	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 20);
	probe_sweep();
	if (m == PROBE_TRACEFS)
		assert_int_equal(definitions(a.pid), 2);
	assert_int_equal(tool_end(&a, 0), 0);
	target_call(&t, ONE, 10);
	assert_int_equal(counter_read(&c1), 20);
	assert_int_equal(counter_read(&c2), 40);
	assert_int_equal(tool_end(&b, 0), 0);
	assert_int_equal(foreign_bytes(t.pid), 0);
	assert_int_equal(definitions(a.pid) + definitions(b.pid), 0);
	counter_free(&c1);
	counter_free(&c2);
	target_stop(&t);
}

static void a_sealed_event_refuses_more_probes(void **state)
{
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_event ev = {0};

	usable(state);
	ok(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false));
	assert_int_equal(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false),
			 -EBUSY);
	ok(probe_event_seal(&ev, 1));
	offset++;
	assert_int_equal(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false),
			 -EBUSY);
	assert_int_equal(definitions(getpid()), 1);
	probe_event_remove(&ev);
	assert_int_equal(definitions(getpid()), 0);
}

static void a_vanished_definition_is_noticed(void **state)
{
	uint64_t offset = offset_of((const void *)plain_one);
	struct probe_event ev = {0}, thief;

	usable(state);
	ok(probe_event_define(&ev, "seal", "/proc/self/exe", &offset, 1, false));
	thief = ev;
	probe_event_remove(&thief);
	assert_int_equal(probe_event_seal(&ev, 1), -EAGAIN);
	probe_event_remove(&ev);
}

static void names_what_is_missing(void **state)
{
	enum probe_mechanism got;
	uint64_t offset = 64;
	struct probe_set *s;
	struct probe_set_spec spec = {.file = "/nonexistent", .offsets = &offset, .n = 1, .pid = 1};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(probe_choose(7, PROBE_PERF, &got), -ENOTSUP);
	assert_non_null(strstr(fail_text(), "too slow for 7 sites"));
	assert_int_equal(got, PROBE_NONE);
	assert_int_equal(probe_set_open(PROBE_TRACEFS, &spec, &s), -ENOENT);
	assert_int_equal(probe_set_open(PROBE_NONE, &spec, &s), -EINVAL);
	spec.pid = 0;
	assert_int_equal(probe_set_open(PROBE_MULTI, &spec, &s), -EINVAL);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		if (probe_choose(1, PROBE_NONE, &got) != -EPERM ||
		    !strstr(fail_text(), "run as root"))
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void chooses_something_here(void **state)
{
	enum probe_mechanism got;

	(void)state;
	ok(probe_choose(272, PROBE_NONE, &got));
	print_message("chosen: %s\n", probe_mechanism_name(got));
	assert_int_not_equal(got, PROBE_NONE);
	assert_int_equal(definitions(getpid()), 0);
}

#define EACH(f)                                                      \
	{#f " (tracefs)", f, NULL, NULL, (void *)PROBE_TRACEFS},     \
		{#f " (multi)", f, NULL, NULL, (void *)PROBE_MULTI}, \
	{                                                            \
#f " (perf)", f, NULL, NULL, (void *)PROBE_PERF      \
	}
#define TRACEFS(f)                                       \
	{                                                \
#f, f, NULL, NULL, (void *)PROBE_TRACEFS \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_something_here),
		cmocka_unit_test(names_what_is_missing),
		EACH(counts_all_threads_only_while_on),
		EACH(counts_returns),
		EACH(holds_two_sets_of_one_target),
		EACH(holds_as_many_sites_as_a_target_may_have),
		EACH(leaves_a_forked_child_alone),
		EACH(survives_an_exec_of_the_target),
		EACH(survives_the_end_of_the_target),
		EACH(works_or_refuses_when_the_main_thread_has_ended),
		EACH(opens_awkward_paths),
		EACH(a_killed_tool_leaves_only_names),
		EACH(two_tools_do_not_disturb_each_other),
		TRACEFS(a_sealed_event_refuses_more_probes),
		TRACEFS(a_vanished_definition_is_noticed),
	};

	if (argc == 3 && !strcmp(argv[1], "--target"))
		return target_main(argv[2]);
	if (geteuid()) {
		printf("skip: probes need root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

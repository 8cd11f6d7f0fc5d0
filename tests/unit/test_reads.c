/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory that may be read of a process, and that reading changes nothing in it. */
#include "proc/inside.h"
#include "proc/reader_priv.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "unit/self.h"

#define MIB   (1u << 20)
#define PAGES 64

/* Untouched data of our own file: of each kind of section. */
static const char words[64 * 1024] = {[40000] = 'r'};
static char data[64 * 1024] = {[40000] = 'd'};
static char zeroed[64 * 1024];

static struct proc_memory memory_of(const struct proc *p)
{
	struct proc_memory m;

	assert_int_equal(proc_memory(p, &m), 0);
	return m;
}

static void *map(size_t size, int flags, int fd)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static int new_file(const char *dir, size_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/pyleak-reads-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* A child that stands still, with what was mapped here. */
static struct proc *child_with(pid_t *pid)
{
	struct proc *p = NULL;

	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
		for (;;)
			raise(SIGSTOP);
	}
	/* Its own beginning is over, with the pages that it touches. */
	assert_int_equal(waitpid(*pid, NULL, WUNTRACED), *pid);
	assert_int_equal(proc_open(*pid, &p), 0);
	return p;
}

static void end(struct proc *p, pid_t pid)
{
	proc_close(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void untouched_memory_stays_untouched(void **state)
{
	struct {
		const char *what;
		char *at;
		int err;
	} v[] = {
		{"anonymous", map(16 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 0},
		{"shared", map(16 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1), -EFAULT},
		{"tmpfs", map(16 * MIB, MAP_SHARED, new_file("/dev/shm", 16 * MIB)), -EFAULT},
		{"file", map(16 * MIB, MAP_SHARED, new_file("/var/tmp", 16 * MIB)), -EFAULT},
		{"private file", map(16 * MIB, MAP_PRIVATE, new_file("/var/tmp", 16 * MIB)),
		 -EFAULT},
	};
	static char buf[16 * MIB];
	struct proc_memory before, after;
	struct proc_reads reads;
	struct proc *p;
	pid_t pid;

	(void)state;
	p = child_with(&pid);
	before = memory_of(p);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		uint64_t at = (uintptr_t)v[i].at;

		memset(buf, 1, sizeof(buf));
		if (proc_read(p, at, buf, sizeof(buf)) != v[i].err)
			fail_msg("%s: not %d", v[i].what, v[i].err);
		assert_int_equal(proc_next_touched(p, at, at + sizeof(buf)), at + sizeof(buf));
		assert_int_equal(proc_read_sparse(p, at, buf, sizeof(buf)), 0);
		assert_true(!buf[0] && !memcmp(buf, buf + 1, sizeof(buf) - 1));
	}
	after = memory_of(p);
	assert_int_equal(before.rss_bytes, after.rss_bytes);
	assert_int_equal(before.shmem_bytes, after.shmem_bytes);
	proc_reads(p, &reads);
	assert_int_equal(reads.bytes, 0);
	assert_int_equal(reads.absent, 4);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		munmap(v[i].at, 16 * MIB);
	end(p, pid);
}

static void what_is_there_is_read(void **state)
{
	char *v[] = {
		map(PAGES * 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1),
		map(PAGES * 4096, MAP_SHARED | MAP_ANONYMOUS, -1),
		map(PAGES * 4096, MAP_SHARED, new_file("/var/tmp", PAGES * 4096)),
		map(PAGES * 4096, MAP_PRIVATE, new_file("/var/tmp", PAGES * 4096)),
	};
	struct proc *p = self_open();
	char buf[PAGES * 4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		uint64_t at = (uintptr_t)v[i];

		for (size_t k = 0; k < PAGES * 4096; k++)
			v[i][k] = (char)(k / 4096 + k);
		/* Across pages, from the middle of one, by bytes. */
		assert_int_equal(proc_read(p, at, buf, sizeof(buf)), 0);
		assert_memory_equal(buf, v[i], sizeof(buf));
		assert_int_equal(proc_read(p, at + 4090, buf, 12000), 0);
		assert_memory_equal(buf, v[i] + 4090, 12000);
		for (size_t k = 0; k < PAGES; k++) {
			assert_int_equal(proc_read(p, at + k * 4096 + 7, buf, 1), 0);
			assert_int_equal(buf[0], v[i][k * 4096 + 7]);
		}
		/* The answer of before does not hide what changed. */
		v[i][5] = 'x';
		assert_int_equal(proc_read(p, at + 5, buf, 1), 0);
		assert_int_equal(buf[0], 'x');
		madvise(v[i], PAGES * 4096, MADV_DONTNEED);
		munmap(v[i], PAGES * 4096);
		assert_int_not_equal(proc_read(p, at, buf, sizeof(buf)), 0);
	}
	assert_int_equal(proc_read(p, 0, buf, 1), -EFAULT);
	assert_int_equal(proc_read(p, 1ull << 47, buf, 1), -EFAULT);
	assert_int_equal(proc_read(p, UINT64_MAX - 3, buf, 4), -EFAULT);
	assert_int_equal(proc_read(p, 0xffffffffff600000, buf, 4), -EFAULT);
	assert_false(proc_memory_gone(p));
	proc_close(p);
}

/* 7 pages of 64 apart: what lies between is not there. */
static void holes_are_told_from_pages(void **state)
{
	char *at = map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), buf[8192];
	char *shared = map(MIB, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct proc *p = self_open();

	(void)state;
	for (size_t i = 0; i < 256; i += 7)
		at[4096 * i + 9] = shared[4096 * i + 9] = 'p';
	for (size_t i = 0; i < 256; i++) {
		uint64_t page = (uintptr_t)(shared + 4096 * i);

		assert_int_equal(proc_read(p, page + 9, buf, 1), i % 7 ? -EFAULT : 0);
		assert_int_equal(proc_read_sparse(p, page + 9, buf, 1), 0);
		assert_int_equal(buf[0], i % 7 ? 0 : 'p');
		assert_int_equal(proc_read(p, (uintptr_t)(at + 4096 * i) + 9, buf, 1), 0);
		assert_int_equal(buf[0], i % 7 ? 0 : 'p');
		if (i < 255)
			assert_int_equal(proc_read(p, page, buf, 8192), -EFAULT);
	}
	munmap(at, MIB);
	munmap(shared, MIB);
	proc_close(p);
}

/* Many at once, in any order, some across pages and some of what is not there: each as if alone. */
static void what_lies_close_is_read_as_if_alone(void **state)
{
	enum { MANY = 700, LONGEST = 5000 };
	static char together[MANY][LONGEST], alone[LONGEST];
	static struct proc_req req[MANY];
	char *at = map(MIB, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct proc *p = self_open();
	uint64_t x = 1;
	size_t good = 0, bad = 0;

	(void)state;
	for (size_t i = 0; i < MIB; i++)
		if (i / 4096 % 3)
			at[i] = (char)(i * 7 + i / 4096);
	for (size_t i = 0; i < MANY; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		req[i] = (struct proc_req){
			.addr = (uintptr_t)at + (x >> 33) % 40000,
			.buf = together[i],
			.len = 1 + (x >> 20) % (i % 50 ? 200 : LONGEST),
		};
	}
	req[10].addr = UINT64_MAX - 3;
	req[10].len = 4;
	req[11].addr = 0;
	proc_read_many(p, req, MANY);
	for (size_t i = 0; i < MANY; i++) {
		int err = proc_read(p, req[i].addr, alone, req[i].len);

		assert_int_equal(req[i].ok, !err);
		assert_false(req[i].swapped);
		if (!err)
			assert_memory_equal(together[i], alone, req[i].len);
		good += !err;
		bad += !!err;
	}
	assert_true(good > MANY / 3 && bad > MANY / 6);
	munmap(at, MIB);
	proc_close(p);
}

static uint64_t entry_of(pid_t pid, uint64_t addr)
{
	uint64_t entry = ~0ull;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &entry, sizeof(entry), (off_t)(addr / 4096 * 8)), sizeof(entry));
	return entry;
}

/* The kernel reads them from the process's memory: where they have gone, they stay away. */
static void arguments_that_are_not_there_stay_away(void **state)
{
	auto_free char *text = NULL;
	volatile char below[64 * 1024]; /* the child's own frames are on other pages */
	struct proc_stat s;
	struct proc *p;
	uint64_t page;
	size_t len;
	pid_t pid;

	(void)state;
	below[sizeof(below) - 1] = 0;
	assert_int_equal(below[sizeof(below) - 1], 0);
	assert_int_equal(proc_slurp(getpid(), "stat", &text, &len), 0);
	assert_int_equal(proc_parse_stat(text, &s), 0);
	assert_true(s.arg_end > s.arg_start);
	page = s.arg_start / 4096 * 4096;
	p = child_with(&pid);
	assert_string_equal(p->cmdline[0], (const char *)(uintptr_t)s.arg_start);
	end(p, pid);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		madvise((void *)(uintptr_t)page, s.arg_end - page, MADV_DONTNEED);
		for (;;)
			raise(SIGSTOP);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_int_equal(entry_of(pid, page) >> 62, 0);
	assert_int_equal(proc_open(pid, &p), 0);
	assert_null(p->cmdline[0]);
	assert_int_equal(entry_of(pid, page) >> 62, 0);
	end(p, pid);
}

/* Data of an ELF file is the file's where nobody wrote to it. */
static void untouched_data_comes_from_the_file(void **state)
{
	struct proc_memory before, after;
	struct proc *p;
	char c = 0;
	pid_t pid;

	(void)state;
	p = child_with(&pid);
	before = memory_of(p);
	assert_int_equal(proc_read(p, (uintptr_t)&words[40000], &c, 1), 0);
	assert_int_equal(c, 'r');
	assert_int_equal(proc_read(p, (uintptr_t)&data[40000], &c, 1), 0);
	assert_int_equal(c, 'd');
	assert_int_equal(proc_read(p, (uintptr_t)&zeroed[40000], &c, 1), 0);
	assert_int_equal(c, 0);
	after = memory_of(p);
	assert_int_equal(before.rss_bytes, after.rss_bytes);
	end(p, pid);
	p = self_open();
	data[40000] = 'w';
	assert_int_equal(proc_read(p, (uintptr_t)&data[40000], &c, 1), 0);
	assert_int_equal(c, 'w');
	proc_close(p);
}

static void devices_are_left_alone(void **state)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_DUMMY,
				       .size = sizeof(attr),
				       .exclude_kernel = 1};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	struct proc *p = self_open();
	char *at = NULL, c;

	(void)state;
	for (size_t i = 0; i < p->n_maps; i++)
		if (!strncmp(p->maps[i].path, "[vvar", 5))
			assert_int_equal(proc_read(p, p->maps[i].start, &c, 1), -EFAULT);
	/* Mapped when the process was open already, and before. */
	for (int i = 0; fd >= 0 && i < 2; i++) {
		at = at ? at : mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			break;
		c = *(volatile char *)at;
		assert_int_equal(proc_read(p, (uintptr_t)at, &c, 1), -EFAULT);
		assert_int_equal(proc_read_maps(p), 0);
	}
	proc_close(p);
	close(fd);
}

static void faults_make_us_keep_back(void **state)
{
	struct account *a = account_get(1), *b = account_get(1);
	uint64_t now = 1000000000000;

	(void)state;
	assert_ptr_equal(a, b);
	assert_false(account_keeps_back(a, now));
	account_faults(a, now, 1);
	assert_true(account_keeps_back(a, now));
	assert_false(account_keeps_back(a, now + 1100000000));
	/* Again, and for longer each time, up to a minute. */
	for (uint64_t s = 2, at = now; s < 200; s *= 2) {
		at = a->back_at_ns + 1;
		account_faults(a, at, 1);
		assert_true(account_keeps_back(a, at + (s < 60 ? s : 60) * 1000000000 - 1000));
		assert_false(account_keeps_back(a, at + (s < 60 ? s : 60) * 1000000000));
	}
	account_put(a);
	account_put(b);
	a = account_get(1);
	assert_int_equal(a->faults, 0);
	account_put(a);
}

static void a_refusal_has_a_next_step(void **state)
{
	(void)state;
	assert_non_null(strstr(proc_why_refused(), geteuid() ? "root" : "pyleak-bpf doctor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_has_a_next_step),
		cmocka_unit_test(untouched_memory_stays_untouched),
		cmocka_unit_test(what_is_there_is_read),
		cmocka_unit_test(holes_are_told_from_pages),
		cmocka_unit_test(what_lies_close_is_read_as_if_alone),
		cmocka_unit_test(arguments_that_are_not_there_stay_away),
		cmocka_unit_test(untouched_data_comes_from_the_file),
		cmocka_unit_test(devices_are_left_alone),
		cmocka_unit_test(faults_make_us_keep_back),
	};

	return cmocka_run_group_tests_name("reads", tests, NULL, NULL);
}

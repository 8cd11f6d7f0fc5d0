/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: the texts of /proc, memory, files behind rows of maps, who is refused. */
#include "proc/inside.h"
#include "proc/list.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void *until_unlocked(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

/* A pid namespace shows no other process, and hides no thread from the count. */
static void threads_of_the_host_are_counted(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread[200];
	size_t before, with;
	pid_t child;
	int status;

	(void)state;
	before = proc_count_threads();
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, until_unlocked, &lock), 0);
	with = proc_count_threads();
	child = fork();
	if (!child) {
		if (unshare(CLONE_NEWPID))
			_exit(2);
		child = fork();
		if (!child)
			_exit(proc_count_threads() < before + 100);
		waitpid(child, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	assert_true(before > 10 && with >= before + 100);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip(); /* not root */
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct row {
	const char *name, *line;
	size_t n;
	struct proc_map want;
};

static void rows_of_maps_are_understood(void **state)
{
	static const struct row rows[] = {
		{"plain",
		 "00400000-0041f000 r--p 00001000 fe:01 4711                     "
		 "/usr/bin/python3.11",
		 1,
		 {0x400000, 0x41f000, 0x1000, 4711, 0xfe << 20 | 1, true, false, false, false,
		  "/usr/bin/python3.11", false}},
		{"heap",
		 "55d0a000-55d0b000 rw-p 00000000 00:00 0      [heap]",
		 1,
		 {0x55d0a000, 0x55d0b000, 0, 0, 0, true, true, false, false, "[heap]", false}},
		{"anonymous",
		 "1000-2000 rwxp 0 00:00 0",
		 1,
		 {0x1000, 0x2000, 0, 0, 0, true, true, true, false, "", false}},
		{"anonymous with a blank",
		 "1000-2000 rwxp 0 00:00 0 ",
		 1,
		 {0x1000, 0x2000, 0, 0, 0, true, true, true, false, "", false}},
		{"deleted",
		 "1000-3000 r-xp 0 08:01 9 /a b (deleted)",
		 1,
		 {0x1000, 0x3000, 0, 9, 8 << 20 | 1, true, false, true, true, "/a b", false}},
		{"newline in the name",
		 "1000-3000 ---p 0 08:01 9 /a\\012b",
		 1,
		 {0x1000, 0x3000, 0, 9, 8 << 20 | 1, false, false, false, false, "/a\nb", false}},
		{"shared",
		 "1000-3000 rw-s 0 00:01 9 /dev/shm/a",
		 1,
		 {0x1000, 0x3000, 0, 9, 1, true, true, false, false, "/dev/shm/a", true}},
		{"vsyscall",
		 "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
		 1,
		 {0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, false, false, true, false,
		  "[vsyscall]", false}},
		{"no row at all", "hello", 0, {0}},
		{"cut", "1000-3000 r-xp 0 08", 0, {0}},
		{"ends before it begins", "3000-1000 r-xp 0 08:01 9 /a", 0, {0}},
		{"empty", "", 0, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct proc_map *w = &rows[i].want;
		char *text = strdup(rows[i].line);
		struct proc_map *m;
		size_t n;

		assert_int_equal(proc_parse_maps(text, &m, &n), 0);
		if (n != rows[i].n)
			fail_msg("%s: %zu rows", rows[i].name, n);
		if (n && (m->start != w->start || m->end != w->end || m->offset != w->offset ||
			  m->inode != w->inode || m->dev != w->dev || m->readable != w->readable ||
			  m->writable != w->writable || m->executable != w->executable ||
			  m->deleted != w->deleted || m->shared != w->shared ||
			  strcmp(m->path, w->path) != 0))
			fail_msg("%s: wrong row, path '%s'", rows[i].name, m->path);
		free(m);
		free(text);
	}
}

static void overlapping_rows_are_left_out(void **state)
{
	char text[] = "1000-3000 r--p 0 08:01 9 /a\n2000-4000 r--p 0 08:01 9 /b\n"
		      "5000-6000 r--p 0 08:01 9 /c\n";
	struct proc p = {.pid = getpid()};

	(void)state;
	assert_int_equal(proc_parse_maps(text, &p.maps, &p.n_maps), 0);
	assert_int_equal(p.n_maps, 2);
	assert_null(proc_find_map(&p, 0xfff));
	assert_string_equal(proc_find_map(&p, 0x1000)->path, "/a");
	assert_string_equal(proc_find_map(&p, 0x2fff)->path, "/a");
	assert_null(proc_find_map(&p, 0x3000));
	assert_string_equal(proc_find_map(&p, 0x5fff)->path, "/c");
	assert_null(proc_find_map(&p, 0x6000));
	free(p.maps);
}

/* The two of a child that was forked; not what lies behind a gap or bears no mark. */
static void rows_of_the_heap_that_adjoin_are_one(void **state)
{
	char text[] = "1000-3000 rw-p 0 00:00 0 [heap]\n3000-7000 rw-p 0 00:00 0 [heap]\n"
		      "7000-8000 ---p 0 00:00 0 [heap]\n8000-9000 rw-p 0 00:00 0 [heap]\n"
		      "a000-b000 rw-p 0 00:00 0 [heap]\nb000-c000 rw-p 0 00:00 0\n"
		      "c000-d000 rw-p 0 00:00 0\n";
	static const uint64_t want[][2] = {{0x1000, 0x7000}, {0x7000, 0x8000}, {0x8000, 0x9000},
					   {0xa000, 0xb000}, {0xb000, 0xc000}, {0xc000, 0xd000}};
	struct proc_map *m;
	size_t n;

	(void)state;
	assert_int_equal(proc_parse_maps(text, &m, &n), 0);
	assert_int_equal(n, ARRAY_SIZE(want));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(m[i].start, want[i][0]);
		assert_int_equal(m[i].end, want[i][1]);
	}
	free(m);
}

#define GROWN (4u << 20)

/* A child whose brk heap has grown, stopped. */
static pid_t grown_child(void)
{
	pid_t pid;
	int status;

	sbrk(4096);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(sbrk(GROWN), 1, GROWN);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void check_heap(const struct proc_resident *r, size_t n, const struct proc_map *m)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (r[i].kind != PROC_ROW_HEAP)
			continue;
		found++;
		assert_int_equal(r[i].start, m->start);
		assert_int_equal(r[i].end, m->end);
		assert_in_range(r[i].rss_bytes, GROWN + 4096, m->end - m->start);
	}
	assert_int_equal(found, 1);
}

static void a_forked_child_has_one_heap(void **state)
{
	auto_free struct proc_resident *smaps = NULL, *pages = NULL;
	uint64_t end = (uintptr_t)sbrk(0) + 4096 + GROWN;
	const struct proc_map *heap = NULL;
	struct proc_row rows[256];
	pid_t pid = grown_child();
	struct proc *p;
	size_t n, brk = 0;

	(void)state;
	assert_int_equal(proc_open(pid, &p), 0);
	for (size_t i = 0; i < p->n_maps; i++)
		if (!strcmp(p->maps[i].path, "[heap]")) {
			assert_null(heap);
			heap = &p->maps[i];
		}
	assert_non_null(heap);
	assert_int_equal(heap->end, (end + 4095) & -4096ull);
	n = proc_heap_rows(p, rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < n; i++)
		brk += rows[i].is_brk && rows[i].start == heap->start && rows[i].end == heap->end;
	assert_int_equal(brk, 1);
	assert_int_equal(proc_resident_rows(p, &smaps, &n), 0);
	check_heap(smaps, n, heap);
	assert_int_equal(proc_resident_by_pages(p, &pages, &n), 0);
	check_heap(pages, n, heap);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	proc_close(p);
}

#define LONG_MAPS  1600
#define LONG_NAME  250
#define LONG_DEPTH 14

/* A directory as deep as names go, and files of it, each mapped. */
static void make_long(char *path, size_t size)
{
	size_t n = (size_t)snprintf(path, size, "/tmp/pyleak-maps-XXXXXX");

	assert_non_null(mkdtemp(path));
	for (int i = 0; i < LONG_DEPTH; i++) {
		path[n++] = '/';
		memset(path + n, 'd', LONG_NAME);
		n += LONG_NAME;
		path[n] = '\0';
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

static void remove_long(char *path)
{
	for (int i = 0; i <= LONG_DEPTH; i++) {
		assert_int_equal(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
	}
}

/* A file in the directory, mapped @times and gone again: its name stays in maps. */
static void map_file(const char *dir, const char *name, char *at, size_t times)
{
	char path[4096];
	int fd;

	assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	for (; times--; at += 8192)
		assert_ptr_equal(mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), at);
	close(fd);
	unlink(path);
}

/* 5 MiB of text for one file that is mapped over and over: its name is there once. Of more names
 * than may be kept the rows are. */
static void names_of_files_are_kept_once(void **state)
{
	char *at = mmap(NULL, 2 * LONG_MAPS * 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t same = 0, empty = 0, before;
	const char *first = NULL;
	struct proc *p;
	char dir[4096];

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	make_long(dir, sizeof(dir));
	map_file(dir, "one", at, LONG_MAPS);
	assert_int_equal(proc_open(getpid(), &p), 0);
	for (size_t i = 0; i < p->n_maps; i++)
		if (strstr(p->maps[i].path, "/one")) {
			first = first ? first : p->maps[i].path;
			same += p->maps[i].path == first;
		}
	assert_int_equal(p->maps_unnamed, 0);
	before = p->n_maps;
	proc_close(p);
	for (size_t i = 0; i < LONG_MAPS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%zu", i);
		map_file(dir, name, at + (LONG_MAPS + i) * 8192, 1);
	}
	remove_long(dir);
	assert_int_equal(same, LONG_MAPS);
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_true(p->n_maps >= before + LONG_MAPS);
	for (size_t i = 0; i < p->n_maps; i++)
		empty += p->maps[i].inode && !*p->maps[i].path;
	if (!p->maps_unnamed || empty != p->maps_unnamed || empty >= LONG_MAPS)
		fail_msg("%zu of %zu rows have no name, %zu counted", empty, p->n_maps,
			 p->maps_unnamed);
	proc_close(p);
	munmap(at, 2 * LONG_MAPS * 8192);
}

static void stat_and_status_are_understood(void **state)
{
	struct proc_status st;
	struct proc_stat s;

	(void)state;
	assert_int_equal(
		proc_parse_stat("12 (a) S 1) S 1 12 12 0 -1 2097216 0 0 0 0 0 0 0 0 20 0 1 "
				"0 777 0 0 0 0 0 140 0",
				&s),
		0);
	assert_string_equal(s.comm, "a) S 1");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.start_ticks, 777);
	assert_int_equal(s.start_stack, 140);
	assert_true(s.flags & 0x00200000);
	assert_int_equal(proc_parse_stat("12 (\x1b[2J\n\xc3\xa9\x7f) S 1 12", &s), 0);
	assert_string_equal(s.comm, "?[2J?\xc3\xa9?");
	assert_int_equal(proc_parse_stat("12 (", &s), -EINVAL);
	assert_int_equal(proc_parse_stat(")12(", &s), -EINVAL);
	assert_int_equal(
		proc_parse_status(
			"Name:\tx\nState:\tZ (zombie)\nTgid:\t12\nPPid:\t1\n"
			"TracerPid:\t77\nNSpid:\t12\t3\t1\nVmRSS:\t  100 kB\nThreads:\t5\n",
			&st),
		0);
	assert_int_equal(st.state, 'Z');
	assert_int_equal(st.ns_pid, 1);
	assert_int_equal(st.tracer, 77);
	assert_int_equal(st.rss_kb, 100);
	assert_int_equal(st.threads, 5);
	assert_int_equal(proc_parse_status("", &st), -EINVAL);
}

static int open_self(void **state)
{
	return proc_open(getpid(), (struct proc **)state);
}

static int close_self(void **state)
{
	proc_close(*state);
	return 0;
}

static void reads_memory_and_skips_holes(void **state)
{
	const struct proc *p = *state;
	uint64_t word = 0x1122334455667788, got = 0, many[2500] = {0};
	struct proc_req req[2500];
	char text[8];

	assert_int_equal(proc_read_u64(p, (uintptr_t)&word, &got), 0);
	assert_int_equal(got, word);
	assert_int_equal(proc_read_u64(p, 8, &got), -EFAULT);
	assert_int_equal(proc_read_cstr(p, (uintptr_t) "hello, world", text, sizeof(text)), 0);
	assert_string_equal(text, "hello, ");
	assert_int_equal(proc_read_cstr(p, 8, text, sizeof(text)), -EFAULT);
	assert_string_equal(text, "");
	for (size_t i = 0; i < ARRAY_SIZE(req); i++)
		req[i] = (struct proc_req){i % 7 == 3 ? 64 : (uintptr_t)&word, &many[i], 8, false,
					   false};
	assert_int_equal(proc_read_many(p, req, ARRAY_SIZE(req)), 2500 - 357);
	for (size_t i = 0; i < ARRAY_SIZE(req); i++) {
		assert_int_equal(req[i].ok, i % 7 != 3);
		assert_int_equal(many[i], i % 7 == 3 ? 0 : word);
	}
}

static void a_string_may_end_at_a_hole(void **state)
{
	const struct proc *p = *state;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[64];

	assert_ptr_not_equal(page, MAP_FAILED);
	munmap(page + 4096, 4096);
	strcpy(page + 4096 - 4, "end");
	assert_int_equal(proc_read_cstr(p, (uintptr_t)page + 4092, text, sizeof(text)), 0);
	assert_string_equal(text, "end");
	page[4095] = '!';
	assert_int_equal(proc_read_cstr(p, (uintptr_t)page + 4092, text, sizeof(text)), -EFAULT);
	assert_string_equal(text, "end!");
	munmap(page, 4096);
}

static void knows_itself(void **state)
{
	struct proc *p = *state;
	struct proc_memory m;
	int tids[64];

	assert_int_equal(p->pid, getpid());
	assert_int_equal(p->ppid, getppid());
	assert_true(proc_alive(p));
	assert_false(proc_execed(p));
	assert_int_equal(proc_memory(p, &m), 0);
	assert_true(m.rss_bytes > 100000);
	assert_true(m.threads >= 1);
	assert_int_equal(proc_tids(p, tids, ARRAY_SIZE(tids)), m.threads);
	assert_int_equal(proc_refresh(p), 0);
	assert_non_null(proc_find_map(p, (uintptr_t)&knows_itself));
	assert_true(proc_find_map(p, (uintptr_t)&knows_itself)->executable);
}

/* Map a file under a name, do something to the name, and find the file again. */
static void find_file(struct proc *p, const char *name, const char *then_name)
{
	char with[64] = "content of the file that was mapped";
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600), got;
	const struct proc_map *m;
	struct stat was, now;
	void *at;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, with, sizeof(with)), sizeof(with));
	assert_int_equal(fstat(fd, &was), 0);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd);
	if (then_name)
		rename(then_name, name);
	else
		unlink(name);
	assert_int_equal(proc_read_maps(p), 0);
	m = proc_find_map(p, (uintptr_t)at);
	assert_non_null(m);
	if (proc_map_open(p, m, &got)) {
		/* Without CAP_SYS_ADMIN there is no way to a deleted file. */
		assert_int_not_equal(geteuid(), 0);
	} else {
		assert_int_equal(fstat(got, &now), 0);
		assert_int_equal(now.st_ino, was.st_ino);
		assert_int_equal(now.st_dev, was.st_dev);
		close(got);
	}
	munmap(at, 4096);
	unlink(name);
}

static void finds_files_whatever_their_name(void **state)
{
	char dir[] = "/tmp/pyleak test maps XXXXXX", a[64], b[64];
	int fd;
	struct proc *p = *state;
	const struct proc_map *m = proc_find_map(p, (uintptr_t)&find_file);

	assert_int_equal(proc_map_open(p, m, &fd), 0);
	close(fd);
	assert_non_null(mkdtemp(dir));
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	find_file(p, a, NULL);
	fclose(fopen(b, "w"));
	find_file(p, a, b);
	unlink(b);
	rmdir(dir);
	m = proc_find_map(p, (uintptr_t)&dir);
	assert_int_equal(proc_map_open(p, m, &fd), -ENOENT);
}

static void refuses_with_a_reason(void **state)
{
	struct proc *p;
	pid_t child;
	siginfo_t info;

	(void)state;
	assert_int_equal(proc_open(0, &p), -EINVAL);
	assert_int_equal(proc_open(-3, &p), -EINVAL);
	assert_int_equal(proc_open(0x3fffffff, &p), -ESRCH);
	assert_non_null(strstr(fail_text(), "no process 1073741823"));
	child = fork();
	if (!child)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_open(child, &p), -ESRCH);
	assert_non_null(strstr(fail_text(), "zombie"));
	waitpid(child, NULL, 0);
	if (!access("/proc/2/stat", R_OK) && proc_open(2, &p) == -EINVAL)
		assert_non_null(strstr(fail_text(), "kernel thread"));
}

static int has_no_descriptors(void)
{
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_NOFILE, &none);
}

static int has_no_procfs(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("none", "/proc", "tmpfs", 0, NULL);
}

static void refused_after(int (*lose)(void), int code, const char *words)
{
	struct proc *p;
	pid_t child = fork();
	int status;

	if (!child) {
		if (lose())
			_exit(2);
		_exit(proc_open(getpid(), &p) != code || !strstr(fail_text(), words));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 2) /* not root */
		assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_cause_is_said(void **state)
{
	(void)state;
	refused_after(has_no_descriptors, -EMFILE, "too many open files: raise the limit");
	refused_after(has_no_procfs, -EPERM, "/proc is no procfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_of_the_host_are_counted),
		cmocka_unit_test(rows_of_maps_are_understood),
		cmocka_unit_test(overlapping_rows_are_left_out),
		cmocka_unit_test(rows_of_the_heap_that_adjoin_are_one),
		cmocka_unit_test(a_forked_child_has_one_heap),
		cmocka_unit_test(names_of_files_are_kept_once),
		cmocka_unit_test(stat_and_status_are_understood),
		cmocka_unit_test_setup_teardown(reads_memory_and_skips_holes, open_self,
						close_self),
		cmocka_unit_test_setup_teardown(a_string_may_end_at_a_hole, open_self, close_self),
		cmocka_unit_test_setup_teardown(knows_itself, open_self, close_self),
		cmocka_unit_test_setup_teardown(finds_files_whatever_their_name, open_self,
						close_self),
		cmocka_unit_test(refuses_with_a_reason),
		cmocka_unit_test(the_cause_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

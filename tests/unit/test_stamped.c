/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads that hold a lock of the target: each has a stamp, none holds it for long, and what is
 * resident is the same without smaps. */
#include "proc/stamped.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/reading.h"
#include "proc/hugetlb.h"
#include "proc/inside.h"
#include "proc/limits.h"
#include "track/native_priv.h"

#include "unit/self.h"

#define GIB	 (1ull << 30)
#define MIB	 (1ull << 20)
#define PAGE	 4096ull
#define NO_STAMP 0xdead
#define SLACK	 (16 * PAGE) /* what a child that stands still may touch all the same */

static void a_piece_ends_at_the_next_gib(void **state)
{
	static const struct {
		uint64_t at, end, want;
	} v[] = {
		{0, 0, 0},
		{5, 5, 5},
		{0, PAGE, PAGE},
		{0, GIB - 1, GIB - 1},
		{0, GIB, GIB},
		{0, GIB + PAGE, GIB},
		{GIB, 2 * GIB, 2 * GIB},
		{GIB - PAGE, 3 * GIB, GIB},
		{GIB + PAGE, 3 * GIB, 2 * GIB},
		{UINT64_MAX - GIB - PAGE, UINT64_MAX, UINT64_MAX - GIB + 1},
		{UINT64_MAX - PAGE, UINT64_MAX, UINT64_MAX},
		{UINT64_MAX, UINT64_MAX, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		assert_int_equal(proc_piece_end(v[i].at, v[i].end), v[i].want);
}

/* How many pieces, each no larger than one, none left out. */
static void pieces_cover_all(void **state)
{
	uint64_t from = 7 * GIB - 3 * PAGE, end = 300 * GIB + PAGE, at, next;
	size_t n = 0;

	(void)state;
	for (at = from; at < end; at = next, n++) {
		next = proc_piece_end(at, end);
		assert_true(next > at && next - at <= GIB);
	}
	assert_int_equal(at, end);
	assert_int_equal(n, 295);
}

static int slot[READING_SLOTS];

static void use_all_stamps(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(slot); i++)
		assert_true((slot[i] = reading_begin()) >= 0);
}

static void give_them_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(slot); i++)
		reading_end(slot[i]);
}

/* Without a stamp nothing is read, and nothing is concluded. */
static void no_stamp_no_read(void **state)
{
	struct proc *p = self_open();
	struct proc_resident *rows = NULL;
	struct proc_rollup rollup;
	uint64_t word = 0x5eed;
	struct proc_row heap[4];
	char text[64], *all;
	size_t n = 0;

	(void)state;
	auto_close int fd = stamped_open(getpid(), "maps");
	assert_true(fd >= 0);
	use_all_stamps();
	errno = 0;
	assert_int_equal(stamped_read(fd, text, sizeof(text), 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(stamped_walk(fd, text, sizeof(text), 0), -1);
	assert_int_equal(stamped_open_path("/proc/self/map_files"), -1);
	assert_int_equal(proc_read_u64(p, (uintptr_t)&word, &word), -ENODATA);
	assert_int_equal(proc_read_maps(p), -EAGAIN);
	assert_int_equal(proc_heap_rows(p, heap, ARRAY_SIZE(heap)), 0);
	assert_true(proc_resident_rows(p, &rows, &n) < 0);
	assert_true(proc_resident_by_pages(p, &rows, &n) < 0);
	assert_int_equal(proc_rollup(p, &rollup), -EAGAIN);
	assert_int_equal(proc_slurp_head(getpid(), "cmdline", 100, &all, &n), -EAGAIN);
	assert_false(proc_memory_gone(p));
	give_them_back();
	assert_int_equal(proc_read_u64(p, (uintptr_t)&word, &word), 0);
	assert_int_equal(proc_read_maps(p), 0);
	assert_int_equal(reading_oldest_ns(), 0);
	proc_close(p);
}

/* Stamps of the reads since the last question: all of @code? */
static bool all_are_of(uint64_t code)
{
	bool all = true, some = false;

	for (unsigned i = 0; i < READING_SLOTS; i++) {
		struct reading_slot *s = &reading_page()->row[reading_row()].slot[i];
		uint64_t was = atomic_exchange(&s->code, NO_STAMP);

		some = some || was != NO_STAMP;
		all = all && (was == NO_STAMP || was == code);
	}
	return all && some;
}

static int visit_none(uint64_t start, uint64_t end, void *ctx)
{
	(void)start;
	(void)end;
	(void)ctx;
	return 0;
}

/* A read of a known process that hangs keeps in the probes of its own program alone, whichever
 * file it reads. */
static void each_read_says_of_which_program(void **state)
{
	struct proc *p = self_open();
	struct proc_resident *rows = NULL;
	struct native_span *spans = NULL;
	struct proc_rollup rollup;
	struct proc_row heap[4];
	uint64_t word = 0x5eed, entry;
	size_t n = 0;

	(void)state;
	p->code = 77;
	all_are_of(0);
	assert_int_equal(proc_read_u64(p, (uintptr_t)&word, &word), 0);
	assert_true(all_are_of(p->code));
	assert_int_equal(proc_page_entries(p, (uintptr_t)&word / 4096, 1, &entry), 1);
	assert_true(all_are_of(p->code));
	proc_next_touched(p, 1 << 16, 1ull << 40);
	assert_true(all_are_of(p->code));
	proc_scan_resident(p, (uintptr_t)&word & -4096ull, ((uintptr_t)&word & -4096ull) + 4096,
			   visit_none, NULL);
	assert_true(all_are_of(p->code));
	assert_false(proc_memory_gone(p));
	assert_true(all_are_of(p->code));
	assert_int_equal(proc_read_maps(p), 0);
	assert_true(all_are_of(p->code));
	assert_true(proc_heap_rows(p, heap, ARRAY_SIZE(heap)) > 0);
	assert_true(all_are_of(p->code));
	assert_int_equal(proc_resident_rows(p, &rows, &n), 0);
	assert_true(all_are_of(p->code));
	assert_int_equal(proc_rollup(p, &rollup), 0);
	assert_true(all_are_of(p->code));
	assert_true(native_spans_read(p, &spans) > 0);
	assert_true(all_are_of(p->code));
	free(rows);
	free(spans);
	proc_close(p);
}

/* Its maps are those of another program then, and may be what hangs. */
static void an_exec_ends_the_code(void **state)
{
	struct proc *p;
	int go[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		char byte;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(go[0], &byte, 1) == 1)
			execlp("sleep", "sleep", "60", NULL);
		_exit(1);
	}
	assert_int_equal(proc_open(pid, &p), 0);
	p->code = 77;
	assert_int_equal(proc_code_now(p), 77);
	assert_true(write(go[1], "x", 1) == 1);
	for (int i = 0; i < 1000 && !proc_memory_gone(p); i++)
		usleep(10000);
	assert_int_equal(proc_code_now(p), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	proc_close(p);
}

static void lines_are_those_of_stdio(void **state)
{
	char ours[200], theirs[200], path[] = "/tmp/pyleak-lines-XXXXXX";
	auto_close int fd = mkostemp(path, O_CLOEXEC);
	struct stamped_lines from = {.fd = fd, .read = stamped_read};
	FILE *f = fopen(path, "w+e");

	(void)state;
	assert_true(fd >= 0 && f);
	unlink(path);
	for (int i = 0; i < 3000; i++)
		fprintf(f, "%*d%s", i * 7 % 401, i, i % 9 ? "\n" : "\n\n");
	fputs("no newline at the end", f);
	rewind(f);
	while (fgets(theirs, sizeof(theirs), f)) {
		assert_true(stamped_line(&from, ours, sizeof(ours)));
		assert_string_equal(ours, theirs);
	}
	assert_false(stamped_line(&from, ours, sizeof(ours)));
	assert_int_equal(from.err, 0);
	fclose(f);
}

static const char *const table[] = {
	"1000-3000 rw-p 00000000 00:00 0 \nRss:                   8 kB\n",
	"3000-4000 r--p 00000000 00:00 0 \nRss:                   4 kB\n",
	"6000-7000 rw-p 00000000 00:00 0 \nRss:                   4 kB\n",
};
static size_t pieces;
static int fails_with; /* once @pieces are read; 0: it ends there */

static ssize_t read_piece(int fd, void *buf, size_t size, uint64_t code)
{
	size_t n;

	(void)fd;
	(void)code;
	if (!pieces) {
		errno = fails_with;
		return fails_with ? -1 : 0;
	}
	pieces--;
	n = strlen(table[ARRAY_SIZE(table) - 1 - pieces]);
	assert_true(n <= size);
	memcpy(buf, table[ARRAY_SIZE(table) - 1 - pieces], n);
	return (ssize_t)n;
}

/* As much as there is, and then an error: the rows before it are no table. */
static void what_fails_midway_is_no_table(void **state)
{
	static const int errs[] = {EIO, ESRCH, ENOMEM, EAGAIN};
	struct proc_resident *rows = NULL;
	struct native_span *spans = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
		struct stamped_lines smaps = {.read = read_piece}, maps = smaps;

		fails_with = errs[i];
		pieces = ARRAY_SIZE(table);
		assert_int_equal(proc_smaps_rows(&smaps, &rows, &n), -errs[i]);
		pieces = ARRAY_SIZE(table);
		assert_int_equal(native_spans_of(&maps, &spans), 0);
		assert_null(rows);
		assert_null(spans);
	}
	struct stamped_lines smaps = {.read = read_piece}, maps = smaps;
	fails_with = 0;
	pieces = ARRAY_SIZE(table);
	assert_int_equal(proc_smaps_rows(&smaps, &rows, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(rows[2].rss_bytes, 4096);
	pieces = ARRAY_SIZE(table);
	assert_int_equal(native_spans_of(&maps, &spans), 2);
	assert_int_equal(native_spans_at(spans, 2, 0x2000), 0x2000);
	assert_int_equal(native_spans_at(spans, 2, 0x5000), 0);
	free(rows);
	free(spans);
}

static void touch(char *at, size_t size, size_t step)
{
	for (size_t i = 0; i < size; i += step)
		at[i] = 1;
}

/* Memory of many kinds: dense, sparse, read only, huge, shared, of a file, across a GiB. */
static void fill(void)
{
	const int private = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *dense = mmap(NULL, 96 * MIB, PROT_READ | PROT_WRITE, private, -1, 0);
	char *sparse = mmap(NULL, 3 * GIB, PROT_READ | PROT_WRITE, private, -1, 0);
	char *huge = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, private, -1, 0);
	char *zeros = mmap(NULL, 8 * MIB, PROT_READ, private, -1, 0);
	char *shared =
		mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile char sum = 0;

	madvise(dense, 96 * MIB, MADV_NOHUGEPAGE);
	madvise(sparse, 3 * GIB, MADV_NOHUGEPAGE);
	madvise(zeros, 8 * MIB, MADV_NOHUGEPAGE);
	madvise(huge, 32 * MIB, MADV_HUGEPAGE);
	touch(dense, 96 * MIB, PAGE);
	touch(sparse, 3 * GIB, 5 * MIB);
	touch(huge, 32 * MIB, PAGE);
	touch(shared, 8 * MIB, 2 * PAGE);
	for (size_t i = 0; i < 8 * MIB; i += PAGE)
		sum = (char)(sum + zeros[i]);
}

static struct proc *child_that_stands_still(pid_t *pid)
{
	struct proc *p = NULL;
	int status;

	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fill();
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(*pid, &status, WUNTRACED), *pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(proc_open(*pid, &p), 0);
	return p;
}

static uint64_t sum_of(const struct proc_resident *v, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].rss_bytes;
	return sum;
}

static void rows_are_the_same_without_smaps(void **state)
{
	auto_free struct proc_resident *smaps = NULL, *pages = NULL;
	size_t n = 0, m = 0;
	pid_t pid;
	struct proc *p = child_that_stands_still(&pid);

	(void)state;
	assert_false(proc_is_large(p));
	assert_int_equal(proc_resident_rows(p, &smaps, &n), 0);
	assert_int_equal(proc_resident_by_pages(p, &pages, &m), 0);
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(smaps[i].start, pages[i].start);
		assert_int_equal(smaps[i].end, pages[i].end);
		assert_int_equal(smaps[i].kind, pages[i].kind);
		assert_int_equal(smaps[i].writable, pages[i].writable);
		assert_in_range(pages[i].rss_bytes + SLACK, smaps[i].rss_bytes,
				smaps[i].rss_bytes + 2 * SLACK);
	}
	assert_true(sum_of(smaps, n) > 130 * MIB);
	print_message("%zu rows, %lu KiB by smaps, %lu KiB by pages\n", n, sum_of(smaps, n) / 1024,
		      sum_of(pages, n) / 1024);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(pages);
	pages = NULL;
	assert_int_equal(proc_resident_by_pages(p, &pages, &m), -ESRCH);
	assert_int_equal(proc_resident_rows(p, &pages, &m), -ESRCH);
	proc_close(p);
}

static void huge_mappings_are_told_by_their_device(void **state)
{
	char mounts[] = "25 30 0:22 / /dev/hugepages rw shared:9 - hugetlbfs none rw,pagesize=2M\n"
			"26 30 0:23 / /hugetlbfs rw - tmpfs hugetlbfs rw\n"
			"27 30 0:24 / /a\\040b rw - hugetlbfs hugetlbfs rw,pagesize=1024M\n"
			"x\n- hugetlbfs \n";
	static const struct {
		struct proc_map row;
		bool want;
	} v[] = {
		{{.inode = 1, .dev = 22, .path = "/dev/hugepages/a"}, true},
		{{.inode = 1, .dev = 24, .path = "/a b/c"}, true},
		{{.inode = 1, .dev = 23, .path = "/hugetlbfs/a"}, false},
		{{.inode = 0, .dev = 22, .path = ""}, false},
		{{.start = 2 << 20, .end = 4 << 20, .inode = 1, .dev = 1, .path = "/dev/zero"},
		 false},
		{{.inode = 1, .dev = 9, .path = "/anon_hugepage", .deleted = true}, true},
		{{.inode = 1, .dev = 9, .path = "/anon_hugepage"}, false},
		{{.inode = 1, .dev = 8 << 20, .path = "/anon_hugepage", .deleted = true}, false},
	};
	struct hugetlb h = {0};

	(void)state;
	hugetlb_add_mounts(&h, mounts);
	assert_int_equal(h.n, 2);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (hugetlb_has(&h, &v[i].row) != v[i].want)
			fail_msg("row %zu: %s", i, v[i].row.path);
}

/* Where this machine has some, each kind of huge pages beside shared memory that lies as they do.
 */
static void huge_pages_are_no_part_of_rss(void **state)
{
	const size_t size = 2 * MIB;
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	int tmpfs = memfd_create("small", MFD_CLOEXEC);
	char *at = mmap(NULL, 5 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *small = (char *)(((uintptr_t)at + size - 1) & ~(size - 1)), *small_end = small + size;
	char *huge[2] = {MAP_FAILED, MAP_FAILED};
	struct proc_resident *rows = NULL;
	struct proc *p;
	size_t n, seen = 0;

	(void)state;
	huge[0] = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (fd >= 0 && !ftruncate(fd, (off_t)size))
		huge[1] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (huge[0] == MAP_FAILED || huge[1] == MAP_FAILED)
		skip();
	assert_int_equal(ftruncate(tmpfs, (off_t)size), 0);
	assert_ptr_equal(
		mmap(small, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, tmpfs, 0), small);
	touch(small, size, PAGE);
	huge[0][0] = huge[1][0] = 1;
	p = self_open();
	assert_int_equal(proc_resident_by_pages(p, &rows, &n), 0);
	for (size_t i = 0; i < n; i++) {
		bool is_small = rows[i].start == (uintptr_t)small;

		if (is_small)
			assert_int_equal(rows[i].end, (uintptr_t)small_end);
		for (size_t k = 0; k < ARRAY_SIZE(huge); k++)
			if (rows[i].start <= (uintptr_t)huge[k] && (uintptr_t)huge[k] < rows[i].end)
				assert_int_equal(rows[i].rss_bytes, 0);
		if (is_small)
			assert_int_equal(rows[i].rss_bytes, size);
		seen += is_small;
	}
	assert_int_equal(seen, 1);
	free(rows);
	proc_close(p);
	munmap(huge[0], size);
	munmap(huge[1], size);
	munmap(at, 5 * size);
	close(fd);
	close(tmpfs);
}

/* The search goes from piece to piece, and finds what the first one does not have. */
static void the_next_page_is_found_pieces_away(void **state)
{
	struct proc *p = self_open();
	char *at = mmap(NULL, 5 * GIB, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t start = (uintptr_t)at, end = start + 5 * GIB;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	madvise(at, 5 * GIB, MADV_NOHUGEPAGE);
	assert_int_equal(proc_next_touched(p, start, end), end);
	at[4 * GIB + 5 * PAGE + 1] = 1;
	assert_int_equal(proc_next_touched(p, start, end), start + 4 * GIB + 5 * PAGE);
	assert_int_equal(proc_next_touched(p, start, start + 4 * GIB), start + 4 * GIB);
	munmap(at, 5 * GIB);
	proc_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_piece_ends_at_the_next_gib),
		cmocka_unit_test(pieces_cover_all),
		cmocka_unit_test(no_stamp_no_read),
		cmocka_unit_test(each_read_says_of_which_program),
		cmocka_unit_test(an_exec_ends_the_code),
		cmocka_unit_test(lines_are_those_of_stdio),
		cmocka_unit_test(what_fails_midway_is_no_table),
		cmocka_unit_test(rows_are_the_same_without_smaps),
		cmocka_unit_test(huge_mappings_are_told_by_their_device),
		cmocka_unit_test(huge_pages_are_no_part_of_rss),
		cmocka_unit_test(the_next_page_is_found_pieces_away),
	};

	return cmocka_run_group_tests_name("stamped", tests, NULL, NULL);
}

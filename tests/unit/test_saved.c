/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process as it was: what its file has not is not made up. */
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "saved/saved.h"
#include "saved/snapshot_priv.h"
#include "unit/unit.h"

#define START 0x100000ull
#define PAGES 3

static void put(int fd, const void *p, size_t size)
{
	assert_int_equal(write(fd, p, size), (ssize_t)size);
}

static void put_record(int fd, enum snap_type type, const struct snap_run *run, const void *data,
		       size_t size, bool is_damaged)
{
	char packed[2 * SNAP_PAGE];
	struct snap_record r = {.type = type, .runs = run ? 1 : 0, .size = size};

	r.stored = ZSTD_compress(packed, sizeof(packed), data, size, 1);
	assert_false(ZSTD_isError(r.stored));
	r.hash = snap_hash(packed, r.stored) + is_damaged;
	r.head_hash = snap_record_hash(&r, run);
	put(fd, &r, sizeof(r));
	if (run)
		put(fd, run, sizeof(*run));
	put(fd, packed, r.stored);
}

/* Three pages: the first is there, the second is damaged, the third was never touched. */
static int make(const char *process)
{
	static const char maps[] = "100000-103000 rw-p 0 0:0 0 \n";
	const struct snap_run first = {START, SNAP_PAGE}, second = {START + SNAP_PAGE, SNAP_PAGE};
	struct snap_head head = {.magic = SNAP_MAGIC, .version = SNAP_VERSION, .page = SNAP_PAGE};
	char page[SNAP_PAGE];
	int fd = memfd_create("snapshot", MFD_CLOEXEC);

	assert_true(fd >= 0);
	head.hash = snap_hash(&head, offsetof(struct snap_head, hash));
	put(fd, &head, sizeof(head));
	put_record(fd, SNAP_PROCESS, NULL, process, strlen(process), false);
	put_record(fd, SNAP_CMDLINE, NULL, "x", 2, false);
	put_record(fd, SNAP_MAPS, NULL, maps, strlen(maps), false);
	memset(page, 'x', sizeof(page));
	put_record(fd, SNAP_MEMORY, &first, page, sizeof(page), false);
	put_record(fd, SNAP_MEMORY, &second, page, sizeof(page), true);
	put_record(fd, SNAP_END, NULL, "", 0, false);
	return fd;
}

static struct proc *open_fd(int fd)
{
	struct proc *p = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (saved_open(path, &p))
		fail_msg("%s", fail_text());
	return p;
}

typedef int (*read_fn)(const struct proc *p, uint64_t addr, void *buf, size_t len);

/* The answer for each page: its first byte, -1 = it is not there. */
static void read_pages(const struct proc *p, read_fn read, int out[PAGES])
{
	for (size_t i = 0; i < PAGES; i++) {
		uint8_t byte;

		out[i] = read(p, START + i * SNAP_PAGE, &byte, 1) ? -1 : byte;
	}
}

static void what_cannot_be_saved_is_not_zeros(void **state)
{
	static const int want[PAGES] = {'x', -1, 0};
	int fd[2] = {make("pid 1\n"), -1}, got[PAGES];

	(void)state;
	/* Saved again, and that once more. */
	for (int i = 0; i < 3; i++) {
		struct proc *p = open_fd(fd[0]);
		struct saved_sums sums = {0};
		FILE *f;

		read_pages(p, proc_read, got);
		assert_memory_equal(got, want, sizeof(want));
		read_pages(p, proc_read_sparse, got);
		assert_memory_equal(got, want, sizeof(want));
		fd[1] = memfd_create("again", MFD_CLOEXEC);
		f = fdopen(dup(fd[1]), "w");
		assert_non_null(f);
		assert_int_equal(saved_write(p, f, NULL, 0, &sums), 0);
		assert_int_equal(sums.memory_bytes, SNAP_PAGE);
		assert_int_equal(sums.unreadable_bytes, SNAP_PAGE);
		fclose(f);
		proc_close(p);
		close(fd[0]);
		fd[0] = fd[1];
	}
	close(fd[0]);
}

/* A core file may not tell the pid of its process; what is saved of it has none either. */
static void a_pid_that_is_not_known_is_none(void **state)
{
	static const char *const bad[] = {"pid -1\n", "ppid 1\n", "pid x\n"};
	int fd = make("pid 0\n");
	struct proc *p = open_fd(fd);
	char path[64];

	(void)state;
	assert_int_equal(p->pid, 0);
	proc_close(p);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fd = make(bad[i]);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		assert_int_equal(saved_open(path, &p), -EINVAL);
		close(fd);
	}
}

/* A core of a program whose code begins in the page of the file in which its constants end. Of it
 * the core has the first page, which says so, and names two rows. */
struct small_core {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	struct __attribute__((packed)) {
		Elf64_Nhdr head;
		char name[8];
		uint64_t n, page, row[2][3];
		char path[2][4];
	} note;
	char page[SNAP_PAGE];
};

static void code_may_share_a_page_with_constants(void **state)
{
	static const Elf64_Phdr of_file[] = {
		{.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x200000, .p_memsz = 0x1e00},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_offset = 0x1e20,
		 .p_vaddr = 0x202e20,
		 .p_memsz = 0x1000},
	};
	const Elf64_Ehdr file = {.e_ident = ELFMAG, .e_phoff = sizeof(file), .e_phnum = 2};
	struct small_core c = {
		.eh = {.e_ident = ELFMAG,
		       .e_type = ET_CORE,
		       .e_machine = EM_X86_64,
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phoff = offsetof(struct small_core, ph),
		       .e_phnum = 2},
		.ph = {{.p_type = PT_NOTE,
			.p_offset = offsetof(struct small_core, note),
			.p_filesz = sizeof(c.note)},
		       {.p_type = PT_LOAD,
			.p_flags = PF_R,
			.p_vaddr = 0x200000,
			.p_offset = offsetof(struct small_core, page),
			.p_filesz = SNAP_PAGE,
			.p_memsz = SNAP_PAGE}},
		.note = {.head = {.n_namesz = 5, .n_descsz = 72, .n_type = NT_FILE},
			 .name = "CORE",
			 .n = 2,
			 .page = SNAP_PAGE,
			 .row = {{0x200000, 0x201000, 0}, {0x202000, 0x204000, 1}},
			 .path = {"/py", "/py"}},
	};
	struct proc *p;
	char path[64];
	int fd = memfd_create("core", MFD_CLOEXEC);

	(void)state;
	c.eh.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(c.page, &file, sizeof(file));
	memcpy(c.page + sizeof(file), of_file, sizeof(of_file));
	put(fd, &c, sizeof(c));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (saved_open_core(path, NULL, &p))
		fail_msg("%s", fail_text());
	assert_false(proc_find_map(p, 0x200000)->executable);
	assert_true(proc_find_map(p, 0x202000)->executable);
	proc_close(p);
	close(fd);
}

#define ROWS (20u << 10)

/* 80 MiB of names, more than the reader takes. */
static void what_could_not_be_read_back_is_not_saved(void **state)
{
	struct proc_map *rows = calloc(ROWS, sizeof(*rows)), *were;
	int fd = make("pid 7\n"), to = memfd_create("saved", MFD_CLOEXEC);
	struct proc *p = open_fd(fd);
	struct saved_sums sums = {0};
	char name[4096];
	size_t n = p->n_maps;
	FILE *f = fdopen(to, "w");

	(void)state;
	assert_non_null(rows);
	assert_non_null(f);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct proc_map){
			.start = (i + 1) * SNAP_PAGE, .end = (i + 2) * SNAP_PAGE, .path = name};
	were = p->maps;
	p->maps = rows;
	p->n_maps = ROWS;
	assert_int_equal(saved_write(p, f, NULL, 0, &sums), -E2BIG);
	assert_non_null(strstr(fail_text(), "take more than 64 MiB"));
	p->maps = were;
	p->n_maps = n;
	fclose(f);
	free(rows);
	proc_close(p);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pid_that_is_not_known_is_none),
		cmocka_unit_test(code_may_share_a_page_with_constants),
		cmocka_unit_test(what_cannot_be_saved_is_not_zeros),
		cmocka_unit_test(what_could_not_be_read_back_is_not_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

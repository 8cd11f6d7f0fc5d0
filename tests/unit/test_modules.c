/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* 3.8: files beside the interpreter that may make objects themselves. This program has a copy of
 * the word that is tested there, as one that was linked with libpython3.8 has, and makes none. */
#include "session/births_priv.h"
#include "session/session_priv.h"
#include "session/sites.h"
#include "unit/self.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

__asm__(".pushsection .data\n.global _Py_tracemalloc_config\n.type _Py_tracemalloc_config, "
	"@object\n"
	".size _Py_tracemalloc_config, 16\n_Py_tracemalloc_config: .quad 0, 0\n.popsection\n");

static struct {
	struct session s;
	struct sites sites;
	struct pl_stats stats;
} k;

static const struct proc_map *program(void)
{
	return proc_find_map(k.s.proc, (uintptr_t)program);
}

static void set_up(bool is_known)
{
	memset(&k, 0, sizeof(k));
	k.s.sites = &k.sites;
	k.s.kern.stats = &k.stats;
	k.s.proc = self_open();
	if (is_known)
		k.sites.files.v[k.sites.files.n++] = (struct places_file){
			.fd = -1, .inode = program()->inode, .dev = program()->dev};
}

static void tear_down(void)
{
	proc_close(k.s.proc);
	places_forget_files(&k.sites.files);
}

static void a_program_that_holds_a_python_is_looked_at(void **state)
{
	(void)state;
	set_up(false);
	assert_int_equal(sites_attach_new(&k.s), -ENOTSUP);
	assert_non_null(strstr(fail_text(), program()->path));
	tear_down();
}

static void libraries_without_births_are_passed_over(void **state)
{
	(void)state;
	set_up(true);
	assert_int_equal(sites_attach_new(&k.s), 0);
	assert_int_equal(k.sites.files.n, 1);
	tear_down();
}

/* A file that begins like ELF and is none, mapped as code. */
static const char no_elf[] = "\177ELF and no more";

struct damaged {
	char path[sizeof("/tmp/pyleak-test-module-XXXXXX.so")];
	int fd;
	void *map;
	size_t size;
};

static struct damaged map_damaged(size_t size)
{
	struct damaged d = {.path = "/tmp/pyleak-test-module-XXXXXX.so", .size = size};

	d.fd = mkostemps(d.path, 3, O_CLOEXEC);
	assert_true(d.fd >= 0);
	assert_int_equal(write(d.fd, no_elf, sizeof(no_elf)), sizeof(no_elf));
	d.map = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, d.fd, 0);
	assert_true(d.map != MAP_FAILED);
	return d;
}

static void remove_damaged(const struct damaged *d)
{
	munmap(d->map, d->size);
	unlink(d->path);
	close(d->fd);
}

static void a_module_that_cannot_be_read_is_refused(void **state)
{
	struct damaged d = map_damaged(4096);

	(void)state;
	set_up(true);
	assert_int_equal(sites_attach_new(&k.s), -ENOEXEC);
	assert_non_null(strstr(fail_text(), d.path));
	remove_damaged(&d);
	assert_int_equal(sites_attach_new(&k.s), 0);
	tear_down();
}

/* A copy of a library that makes no objects, mapped as code. */
static void *map_copy(char *path, const char *of)
{
	int from = open(of, O_RDONLY | O_CLOEXEC), fd = mkostemps(path, 3, O_CLOEXEC);
	void *map;

	assert_true(from >= 0 && fd >= 0);
	for (char buf[4096];;) {
		ssize_t n = read(from, buf, sizeof(buf));

		if (n <= 0)
			break;
		assert_int_equal(write(fd, buf, (size_t)n), n);
	}
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(map != MAP_FAILED);
	close(from);
	close(fd);
	return map;
}

static void what_is_no_code_is_passed_over(void **state)
{
	char path[] = "/tmp/pyleak-test-module-XXXXXX.so";
	void *map = map_copy(path, "/proc/self/comm");

	(void)state;
	set_up(true);
	assert_int_equal(sites_attach_new(&k.s), 0);
	munmap(map, 4096);
	unlink(path);
	tear_down();
}

/* Once looked into, a file may be deleted, or be out of reach: as all are while no descriptor is
 * left, which is to be asked again. */
static void a_file_is_looked_into_once(void **state)
{
	char path[] = "/tmp/pyleak-test-module-XXXXXX.so",
	     more[] = "/tmp/pyleak-test-more-XXXXXX.so";
	struct rlimit was, none;
	char library[512];
	void *map, *new;

	(void)state;
	set_up(true);
	snprintf(library, sizeof(library), "%s", proc_find_map(k.s.proc, (uintptr_t)fopen)->path);
	map = map_copy(path, library);
	assert_int_equal(sites_attach_new(&k.s), 0);
	new = map_copy(more, library);
	assert_int_equal(proc_read_maps(k.s.proc), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){3, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), 0);
	munmap(new, 4096);
	unlink(more);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	munmap(map, 4096);
	unlink(path);
	tear_down();
}

/* Between the look at the rows and that into the file. What is still there is not passed over. */
static void a_module_that_is_unloaded_meanwhile_is_passed_over(void **state)
{
	struct damaged d = map_damaged(4096);

	(void)state;
	set_up(true);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), -ENOEXEC);
	remove_damaged(&d);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), 0);
	assert_int_equal(k.sites.files.n, 1);
	tear_down();
}

/* mprotect has split its row. */
static void a_module_whose_rows_have_changed_is_not_passed_over(void **state)
{
	struct damaged d = map_damaged(8192);

	(void)state;
	set_up(true);
	assert_int_equal(mprotect(d.map, 4096, PROT_READ), 0);
	assert_int_equal(places_find_more(k.s.proc, &k.sites.files), -ENOEXEC);
	remove_damaged(&d);
	tear_down();
}

/* A file may be written anew at the moment. What fails at two looks in a row lasts. */
static void a_module_is_asked_for_twice_before_births_end(void **state)
{
	struct births b = {.s = &k.s,
			   .account = &k.s.ledger.of[LEDGER_BIRTHS],
			   .mode = BIRTHS_BURSTS,
			   .nuitka_at = 1};
	struct damaged d = map_damaged(4096);

	(void)state;
	set_up(true);
	for (int i = 0; i < 2; i++) { /* it passes, and comes again */
		b.due.modules = 1;
		births_source.step(&b, clock_ns());
		assert_int_equal(b.mode, BIRTHS_BURSTS);
		assert_true(b.due.modules < b.due.burst); /* no window before it is asked again */
		assert_int_equal(ftruncate(d.fd, 0), 0);
		b.due.modules = 1;
		births_source.step(&b, clock_ns());
		assert_int_equal(b.mode, BIRTHS_BURSTS);
		vec_free(&k.sites.files.others);
		assert_int_equal(pwrite(d.fd, no_elf, sizeof(no_elf), 0), sizeof(no_elf));
	}
	b.due.modules = 1;
	births_source.step(&b, clock_ns());
	assert_int_equal(b.mode, BIRTHS_BURSTS);
	b.due.modules = 1;
	births_source.step(&b, clock_ns());
	assert_int_equal(b.mode, BIRTHS_OFF);
	remove_damaged(&d);
	for (size_t i = 0; i < k.s.notes.n; i++)
		free(k.s.notes.v[i]);
	tear_down();
}

/* A moment without descriptors, and a pause. */
static void a_passing_failure_is_none_of_the_two(void **state)
{
	struct births b = {.s = &k.s,
			   .account = &k.s.ledger.of[LEDGER_BIRTHS],
			   .mode = BIRTHS_BURSTS,
			   .nuitka_at = 1};
	struct damaged d = map_damaged(4096);
	struct rlimit was, none;

	(void)state;
	set_up(true);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){3, was.rlim_max};
	b.due.modules = 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	births_source.step(&b, clock_ns());
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	b.due.modules = 1;
	births_source.step(&b, clock_ns());
	assert_int_equal(b.mode, BIRTHS_BURSTS);
	births_source.pause(&b, true);
	births_source.pause(&b, false);
	b.due.modules = 1;
	b.due.burst = 0;
	births_source.step(&b, clock_ns());
	assert_int_equal(b.mode, BIRTHS_BURSTS);
	remove_damaged(&d);
	for (size_t i = 0; i < k.s.notes.n; i++)
		free(k.s.notes.v[i]);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_holds_a_python_is_looked_at),
		cmocka_unit_test(libraries_without_births_are_passed_over),
		cmocka_unit_test(a_module_that_cannot_be_read_is_refused),
		cmocka_unit_test(what_is_no_code_is_passed_over),
		cmocka_unit_test(a_file_is_looked_into_once),
		cmocka_unit_test(a_module_that_is_unloaded_meanwhile_is_passed_over),
		cmocka_unit_test(a_module_whose_rows_have_changed_is_not_passed_over),
		cmocka_unit_test(a_module_is_asked_for_twice_before_births_end),
		cmocka_unit_test(a_passing_failure_is_none_of_the_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of which nothing is read while their storage is silent, and which are read when it answers
 * again. The storage is made up here. */
#include <stdbool.h>

#define storage_ask ask_storage
#include "sym/file.c"

#include <unistd.h>

#include "unit/self.h"

static bool is_silent;
static unsigned asked;

int ask_storage(int fd, enum storage_question what)
{
	assert_true(fd >= 0);
	assert_int_equal(what, STORAGE_READ);
	asked++;
	return is_silent ? -EREMOTE : 0;
}

static __attribute__((noinline, used)) void here(void)
{
	__asm__ volatile("" ::: "memory");
}

static void a_silent_file_is_asked_for_again(void **state)
{
	const struct sym_frame *frame;
	struct sym_file *f;
	struct sym_pc pc;
	struct proc *p;
	struct sym *s;

	(void)state;
	assert_int_equal(proc_open(getpid(), &p), 0);
	assert_int_equal(sym_open(p, &s), 0);
	assert_true(sym_locate(s, (uintptr_t)here, &pc));
	f = s->file[pc.file];
	is_silent = true;
	assert_null(sym_file_cfi(f));
	assert_null(sym_file_debug_cfi(f));
	assert_int_equal(sym_names(s, &pc, &frame), 1);
	assert_null(frame->function);
	assert_string_equal(frame->module, f->path);
	assert_false(f->tried_eh || f->tried_debug || f->tried_dwarf || f->tried_mini);
	is_silent = false;
	assert_non_null(sym_file_cfi(f));
	assert_in_range(sym_names(s, &pc, &frame), 1, SYM_MAX_INLINED);
	assert_string_equal(frame->function, "here");
	/* what is known is not asked for again */
	asked = 0;
	assert_non_null(sym_file_cfi(f));
	assert_in_range(sym_names(s, &pc, &frame), 1, SYM_MAX_INLINED);
	assert_int_equal(asked, 0);
	sym_close(s);
	proc_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_file_is_asked_for_again),
	};

	return cmocka_run_group_tests_name("sym_silent", tests, NULL, NULL);
}

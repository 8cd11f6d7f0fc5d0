/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which rows of uprobe_events may be taken for those of a dead copy of the tool: nothing is removed
 * that this rule does not name. */
#include "probe/leftovers.h"

#include <dirent.h>
#include <dlfcn.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/mechanism_priv.h"
#include "unit/unit.h"

#define NS 0xeffffffcull

static void a_whole_name_of_ours_is_known(void **state)
{
	char name[96];

	(void)state;
	assert_int_equal(leftover_maker("p:pyleak_4711_effffffc_0123456789abcdef/birth_0 "
					"/proc/self/fd/7:0x1234\n",
					NS, name, sizeof(name)),
			 4711);
	assert_string_equal(name, "pyleak_4711_effffffc_0123456789abcdef/birth_0");
	assert_int_equal(leftover_maker("r:pyleak_1_effffffc_1/x_0 /f:0x1", NS, name, sizeof(name)),
			 1);
}

static void nothing_else_is(void **state)
{
	static const char *const lines[] = {
		"",
		"p",
		"p:",
		"\n",
		"-:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"p:birth_0 /f:0x1",
		"p:probe_python/_PyObject_New /usr/bin/python3:0x1",
		"p:probes/pyleak_4711_effffffc_1 /f:0x1",
		"p:pyleak_4711_4026531836/birth_0 /f:0x1", /* of an older version */
		"p:pyleak_4711_effffffc/birth_0 /f:0x1",   /* no random part */
		"p:pyleak_4711_effffffc_1",		   /* cut off */
		"p:pyleak_4711_effffffc_1/",
		"p:pyleak_4711_effffffc_1/birth_0",
		"p:pyleak_4711_effffffc_1/ /f:0x1",	   /* no label */
		"p:pyleak_4711_effffffc_1 /f/g:0x1",	   /* the slash is in the file */
		"p:pyleak_4711_effffffd_1/birth_0 /f:0x1", /* another namespace */
		"p:pyleak_4711_0_1/birth_0 /f:0x1",
		"p:pyleak_0_effffffc_1/birth_0 /f:0x1",
		"p:pyleak_-7_effffffc_1/birth_0 /f:0x1",
		"p:pyleak__effffffc_1/birth_0 /f:0x1",
		"p:pyleak_x_effffffc_1/birth_0 /f:0x1",
		"p:pyleak_4294972007_effffffc_1/birth_0 /f:0x1", /* 4711 in 32 bits */
		"p:pyleak_99999999_effffffc_1/birth_0 /f:0x1",
		"p:pyleak_4711_effffffc_0123456789abcdef0/birth_0 /f:0x1", /* 17 digits */
		"p16:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"pp:pyleak_4711_effffffc_1/birth_0 /f:0x1",
		"k:pyleak_4711_effffffc_1/birth_0 do_exit",
		"p:pyleaktest_4711_effffffc_1/birth_0 /f:0x1",
	};
	char name[96];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (leftover_maker(lines[i], NS, name, sizeof(name)))
			fail_msg("taken for ours: %s", lines[i]);
}

/* One that is cut where the kernel's list is read in pieces. */
static void no_beginning_of_a_line_is(void **state)
{
	static const char line[] = "p:pyleak_4711_effffffc_0123456789abcdef/birth_0 /f:0x1";
	size_t name_end = strcspn(line, " ");
	char part[sizeof(line)], name[96];

	(void)state;
	for (size_t n = 0; n <= name_end; n++) {
		memcpy(part, line, n);
		part[n] = '\0';
		assert_int_equal(leftover_maker(part, NS, name, sizeof(name)), 0);
	}
}

static void a_name_that_does_not_fit_is_not(void **state)
{
	char name[20];

	(void)state;
	assert_int_equal(
		leftover_maker("p:pyleak_4711_effffffc_1/birth_0 /f:0x1", NS, name, sizeof(name)),
		0);
}

static void only_a_clear_no_is_death(void **state)
{
	(void)state;
	for (int err = 0; err < 4096; err++) {
		assert_int_equal(leftover_is_alive(-1, err), err != ESRCH);
		assert_true(leftover_is_alive(3, err));
		assert_true(leftover_is_alive(0, err));
	}
}

/* ---- Has somebody enabled an event? On a directory that looks like tracefs. ---- */

static const struct probe_event event = {.name = "pyleak_4711_effffffc_1/birth_0"};
static char root[32];

/* In place of libc's: a folder may be as hard to read as a file. */
static int list_fails_with;

struct dirent *readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "readdir");
	if (!list_fails_with)
		return real(dir);
	errno = list_fails_with;
	return NULL;
}

/* Lets `enable` of an instance, or of the first ("."), say @text. */
static void enable_says(const char *instance, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/events/%s/enable", root, instance, event.name);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool is_off(void)
{
	return probe_event_is_off_below(root, &event);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/pyleak-tracefs-XXXXXX");
	return !mkdtemp(root);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	list_fails_with = 0;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void off_is_what_says_so_everywhere(void **state)
{
	(void)state;
	assert_true(is_off()); /* not there at all */
	enable_says(".", "0\n");
	assert_true(is_off());
	enable_says("instances/one", "0\n");
	enable_says("instances/two", "0\n");
	assert_true(is_off());
	enable_says("instances/two", "1\n");
	assert_false(is_off());
}

static void any_other_word_is_on(void **state)
{
	static const char *const words[] = {"1\n", "", "0", "0*\n", "1*\n", "X\n", "00\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		enable_says(".", words[i]);
		assert_false(is_off());
	}
}

/* Whatever may be read by root: a directory where the file is. */
static void an_answer_that_cannot_be_read_is_on(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "events/%s/enable", event.name);
	enable_says(path, "0\n");
	assert_false(is_off());
}

static void an_instance_with_a_name_that_begins_with_a_dot_is_asked(void **state)
{
	(void)state;
	enable_says(".", "0\n");
	enable_says("instances/.hidden", "1\n");
	assert_false(is_off());
	enable_says("instances/.hidden", "0\n");
	assert_true(is_off());
}

static void an_instance_with_the_longest_name_is_asked(void **state)
{
	char name[16 + 255 + 1] = "instances/";

	(void)state;
	enable_says(".", "0\n");
	memset(name + strlen(name), 'n', 255);
	enable_says(name, "0\n");
	assert_true(is_off());
	enable_says(name, "1\n");
	assert_false(is_off());
}

static void instances_that_cannot_be_listed_are_on(void **state)
{
	char path[64];
	FILE *f;

	(void)state;
	enable_says(".", "0\n");
	snprintf(path, sizeof(path), "%s/instances", root);
	f = fopen(path, "we"); /* no folder */
	assert_non_null(f);
	fclose(f);
	assert_false(is_off());
	assert_int_equal(unlink(path), 0);
	enable_says("instances/one", "0\n");
	assert_true(is_off());
	list_fails_with = EIO;
	assert_false(is_off());
}

#define ON_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_name_of_ours_is_known),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(no_beginning_of_a_line_is),
		cmocka_unit_test(a_name_that_does_not_fit_is_not),
		cmocka_unit_test(only_a_clear_no_is_death),
		ON_ROOT(off_is_what_says_so_everywhere),
		ON_ROOT(any_other_word_is_on),
		ON_ROOT(an_answer_that_cannot_be_read_is_on),
		ON_ROOT(an_instance_with_a_name_that_begins_with_a_dot_is_asked),
		ON_ROOT(an_instance_with_the_longest_name_is_asked),
		ON_ROOT(instances_that_cannot_be_listed_are_on),
	};

	return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}

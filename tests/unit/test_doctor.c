/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of `doctor` are printed as they are known. Host and processes are made up. */
#include "unit.h"

#define cli_host_join join_nobody
#define doctor_host   ask_host
#define doctor_target ask_target
#include "command/doctor.c"

static bool has_no;
static char *printed;
static unsigned targets;

int cli_host_join(void)
{
	return 0;
}

void doctor_host(struct doctor *d)
{
	doctor_add(d, has_no ? DOCTOR_NO : DOCTOR_OK, "kernel", "6.1");
	doctor_remedy(d, "a newer one");
	doctor_tell(d);
}

/* This may take long. */
void doctor_target(struct doctor *d, int pid)
{
	targets++;
	if (d->want_json)
		assert_string_equal(printed, "");
	else
		assert_non_null(strstr(printed, "a newer one"));
	doctor_add(d, DOCTOR_OK, "process", "%d", pid);
}

static int doctor(const char *option)
{
	char *argv[] = {(char *)"doctor",	(char *)"-p",	(char *)"7,8",
			(char *)"--no-sandbox", (char *)option, NULL};
	FILE *before = stdout;
	size_t n;
	int status;

	free(printed);
	stdout = open_memstream(&printed, &n);
	assert_non_null(stdout);
	fflush(stdout);
	targets = 0;
	status = command_doctor(5, argv);
	fclose(stdout);
	stdout = before;
	assert_int_equal(targets, 2);
	return status;
}

static void rows_are_told_before_what_may_take_long(void **state)
{
	const char *row;

	(void)state;
	assert_int_equal(doctor("--no-color"), CLI_DONE);
	row = strstr(printed, "kernel");
	assert_non_null(row);
	assert_null(strstr(row + 1, "kernel"));
	assert_non_null(strstr(row, "8\n"));
	has_no = true;
	assert_int_equal(doctor("--no-color"), CLI_FAILED);
	has_no = false;
}

static void json_is_told_as_a_whole(void **state)
{
	(void)state;
	assert_int_equal(doctor("--json"), CLI_DONE);
	assert_non_null(strstr(printed, "\"can_watch\": true"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_told_before_what_may_take_long),
		cmocka_unit_test(json_is_told_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

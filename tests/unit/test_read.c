/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report read back is the report that was written; what is none is refused with one sentence. */
#include <unistd.h>

#include "base/jval.h"
#include "out/out.h"
#include "report/read.h"
#include "sample_report.h"

static char *written(const struct report *r)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(out_json(f, r), 0);
	fclose(f);
	return text;
}

static void put_file(char *path, const char *text, size_t len)
{
	int fd;

	strcpy(path, "/tmp/pyleak-read-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

/* Numbers and words by their text, as both texts are of one writer. */
static bool same(const struct jval *a, const struct jval *b)
{
	const struct jval *y = jval_first(b);

	if (a->type != b->type || a->n != b->n || !a->key != !b->key ||
	    (a->key && strcmp(a->key, b->key) != 0))
		return false;
	if (a->type == JVAL_STRING)
		return !strcmp(a->text, b->text);
	if (a->type < JVAL_ARRAY)
		return strcspn(a->text, ",]}\n") == strcspn(b->text, ",]}\n") &&
		       !strncmp(a->text, b->text, strcspn(a->text, ",]}\n"));
	jval_each(x, a)
	{
		if (!same(x, y))
			return false;
		y = jval_next(b, y);
	}
	return true;
}

/* Every member that is written is read: the second text says what the first one said. Bytes that
 * are no UTF-8 were replaced by characters when they were written, so texts are compared parsed. */
static void a_report_read_back_is_the_same(void **state)
{
	struct report *r = sample_report(), *again = NULL;
	struct jval_doc first, second;
	char path[64], *text = written(r), *retold;

	(void)state;
	put_file(path, text, strlen(text));
	assert_int_equal(report_read(path, &again), 0);
	retold = written(again);
	assert_int_equal(jval_parse(text, strlen(text), &first), 0);
	assert_int_equal(jval_parse(retold, strlen(retold), &second), 0);
	assert_true(same(first.v, second.v));
	jval_free(&first);
	jval_free(&second);
	report_free(r);
	report_free(again);
	unlink(path);
	free(text);
	free(retold);
}

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "cut short"},
	{"{\"schema\": \"pyleak-bpf/report/1\", \"proc", "cut short"},
	{"no json", "no JSON"},
	{"[1, 2]", "no report"},
	{"{\"schema\": 7}", "no report"},
	{"{\"schema\": \"pyleak-bpf/report/9\"}", "report/9"},
	{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	 "too deep"},
};

static void what_is_no_report_is_refused(void **state)
{
	struct report *r = NULL;
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_file(path, bad[i].text, strlen(bad[i].text));
		assert_int_equal(report_read(path, &r), -EINVAL);
		if (!strstr(fail_text(), bad[i].says) || !strstr(fail_text(), path))
			fail_msg("%s: %s", bad[i].text, fail_text());
		unlink(path);
	}
	assert_int_equal(report_read("/nonexistent", &r), -ENOENT);
	assert_null(r);
}

/* Members of other kinds than ours are unknown, not a crash. */
static void lies_are_unknown(void **state)
{
	static const char text[] =
		"{\"schema\": \"pyleak-bpf/report/1\", \"host\": 3, \"processes\": "
		"[7, null, {\"pid\": \"x\", \"memory\": [], \"sites\": [3, "
		"{\"id\": \"0123456789abcdef0123\", \"stack\": [0, {\"offset\": "
		"{}}], \"kind\": \"?\"}], \"lost\": {\"a\": []}}]}";
	struct report *r = NULL;
	char path[64];

	(void)state;
	put_file(path, text, strlen(text));
	assert_int_equal(report_read(path, &r), 0);
	unlink(path);
	assert_int_equal(r->n_processes, 3);
	assert_int_equal(r->processes[2].n_sites, 2);
	assert_int_equal(strlen(r->processes[2].sites[1].id), 16);
	assert_true(r->processes[0].rss_bytes == REPORT_UNKNOWN);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_read_back_is_the_same),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(lies_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

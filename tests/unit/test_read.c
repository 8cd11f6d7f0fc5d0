/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report read back is the report that was written; what is none is refused with one sentence. */
#include <unistd.h>

#include "base/jval.h"
#include "out/out.h"
#include "report/read.h"
#include "report/shape.h"
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
static void read_back_is_the_same(struct report *r)
{
	struct report *again = NULL;
	struct jval_doc first, second;
	char path[64], *text = written(r), *retold;

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

static void a_report_read_back_is_the_same(void **state)
{
	(void)state;
	read_back_is_the_same(sample_report());
}

struct filler {
	struct report *r;
	unsigned n; /* no two members are the same */
};

static void fill(struct filler *to, const struct shape *s, void *base);

static void fill_value(struct filler *to, const struct field *f, void *at)
{
	to->n++;
	switch (f->kind) {
	case FIELD_COUNT:
	case FIELD_TALLY:
	case FIELD_HEX:
		*(uint64_t *)at = to->n;
		break;
	case FIELD_NUMBER:
	case FIELD_AMOUNT:
	case FIELD_SHARE:
	case FIELD_TIME:
		*(double *)at = to->n;
		break;
	case FIELD_INT:
	case FIELD_LINE:
	case FIELD_PID:
		*(int *)at = (int)to->n;
		break;
	case FIELD_FLAG:
	case FIELD_ENDED:
		*(bool *)at = true;
		break;
	case FIELD_TEXT:
	case FIELD_MAYBE:
		*(const char **)at = report_printf(to->r, "text %u", to->n);
		break;
	case FIELD_CLASS:
		*(enum report_class *)at = CLASS_GROWING;
		break;
	case FIELD_KIND:
		*(enum report_kind *)at = KIND_HEAP; /* has all members */
		break;
	case FIELD_ID:
		snprintf(at, 17, "%016u", to->n);
		break;
	default:
		break;
	}
}

/* Two of what there may be many of; frames: one of each language. */
static void fill_array(struct filler *to, const struct field *f, void *base)
{
	size_t size = f->of ? f->of->size : sizeof(const char *);
	char *v = report_alloc(to->r, 2 * size);

	assert_non_null(v);
	*(void **)((char *)base + f->offset) = v;
	*(size_t *)((char *)base + f->n_offset) = 2;
	for (size_t i = 0; i < 2; i++) {
		if (f->kind == FIELD_STRINGS)
			((const char **)(void *)v)[i] = i ? "first" : "second";
		else
			fill(to, &f->of[f->kind == FIELD_FRAMES && i], v + i * size);
		if (f->kind == FIELD_FRAMES)
			((struct report_frame *)(void *)v)[i].native = i;
	}
}

static void fill_parts(struct filler *to, struct report_parts **out)
{
	*out = report_alloc(to->r, sizeof(**out));
	assert_non_null(*out);
	for (size_t i = 0; i < PART_MAX; i++) {
		(*out)->bytes[i] = ++to->n;
		(*out)->growth[i] = ++to->n;
	}
	(*out)->trimmable = ++to->n;
}

static void fill_lost(struct report_process *p)
{
	static struct report_lost lost[] = {{"a", "a", 1}, {"b", "b", 2}};

	p->lost = lost;
	p->n_lost = 2;
}

static void fill(struct filler *to, const struct shape *s, void *base)
{
	shape_each(f, s)
	{
		void *at = (char *)base + f->offset;

		if (f->kind == FIELD_ARRAY || f->kind == FIELD_FRAMES || f->kind == FIELD_STRINGS) {
			fill_array(to, f, base);
		} else if (f->kind == FIELD_POINTED || f->kind == FIELD_OWNED) {
			*(void **)at = report_alloc(to->r, f->of->size);
			fill(to, f->of, *(void **)at);
		} else if (f->kind == FIELD_PARTS) {
			fill_parts(to, at);
		} else if (f->kind == FIELD_LOST) {
			fill_lost(base);
		} else if (f->kind == FIELD_BY_GENERATION) {
			for (size_t i = 0; i < REPORT_GENERATIONS; i++)
				((uint64_t *)at)[i] = ++to->n;
		} else if (f->kind == FIELD_FINDINGS) {
			continue; /* they follow from the sites */
		} else if (f->of) {
			fill(to, f->of, at);
		} else {
			fill_value(to, f, at);
		}
	}
}

/* With nothing left out: whoever adds a member has it tested. */
static void every_member_is_written_and_read(void **state)
{
	struct filler to = {0};
	char *text;

	(void)state;
	for (size_t n_members = 0; n_members <= 2; n_members += 2) {
		assert_int_equal(report_new(&to.r), 0);
		fill(&to, &shape_report, to.r);
		for (size_t i = 0; i < to.r->n_processes; i++)
			to.r->processes[i].n_members = n_members;
		to.r->tree->merged->n_members = n_members;
		text = written(to.r);
		if (!n_members && strstr(text, "null"))
			fail_msg("not all is written: %s", text);
		free(text);
		read_back_is_the_same(to.r);
	}
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
		cmocka_unit_test(every_member_is_written_and_read),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(lies_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

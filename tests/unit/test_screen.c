/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view without a terminal: pictures, keys, and nothing that a terminal would obey.
 */
#include "sample_report.h"

#include <locale.h>
#include <wchar.h>

#include "out/out.h"
#include "screen/text.h"
#include "screen/view.h"

static char *picture(struct view *v, int rows, int cols, bool is_ascii, size_t *size)
{
	struct canvas c;
	char *text;
	FILE *f = open_memstream(&text, size);

	assert_int_equal(canvas_init(&c, rows, cols, is_ascii), 0);
	v->is_ascii = is_ascii;
	view_draw(v, &c);
	canvas_print(&c, f);
	canvas_free(&c);
	fclose(f);
	return text;
}

static const struct {
	const char *golden, *keys;
	int rows, cols;
	bool is_ascii;
} rows[] = {
	{"screen-80x24.txt", "", 24, 80, false},
	{"screen-160x50.txt", "", 50, 160, false},
	{"screen-ascii-80x24.txt", "", 24, 80, true},
	{"screen-site-80x24.txt", "\r", 24, 80, false},
	{"screen-types-80x24.txt", "t", 24, 80, false},
	{"screen-fds-80x24.txt", "f", 24, 80, false},
	{"screen-memory-80x24.txt", "m", 24, 80, false},
};

static void press(struct view *v, const char *keys)
{
	for (; *keys; keys++)
		view_key(v, *keys == '\r' ? VIEW_ENTER : (uint8_t)*keys);
}

/* With a past of three reports. */
static void begin(struct view *v, struct report *r)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	view_init(v);
	for (int i = 1; i <= 3; i++) {
		r->duration_s = 5 * i;
		for (size_t k = 0; k < r->processes[0].n_sites; k++)
			if (r->processes[0].sites[k].verdict == CLASS_LEAK)
				r->processes[0].sites[k].outstanding_bytes = 4.3e6 * i;
		view_show(v, r);
	}
}

static void pictures_are_as_in_the_golden_files(void **state)
{
	struct report *r = sample_report();

	(void)state;
	r->n_processes = 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct view v;
		size_t size;
		char *text;

		begin(&v, r);
		free(picture(&v, rows[i].rows, rows[i].cols, rows[i].is_ascii, &size));
		press(&v, rows[i].keys);
		text = picture(&v, rows[i].rows, rows[i].cols, rows[i].is_ascii, &size);
		golden_compare(rows[i].golden, text, size);
		free(text);
		view_free(&v);
	}
	report_free(r);
	setlocale(LC_CTYPE, "C");
}

/* Each cell: nothing, or one character that has the columns which it is said to have. */
/* The page of the log has all losses, in the words of the report. */
static void losses_are_told_as_in_the_report(void **state)
{
	static struct report_lost lost[] = {{"a", "a stack was cut", 1},
					    {"b", "a birth was missed", REPORT_UNKNOWN},
					    {"c", "never", 0}};
	struct report *r = sample_report();
	struct report_process was = r->processes[0];
	struct view v;
	size_t size;
	char *text;

	(void)state;
	r->n_processes = 1;
	r->processes->n_notes = 0;
	r->processes->lost = lost;
	for (r->processes->n_lost = 0; r->processes->n_lost <= 3; r->processes->n_lost += 3) {
		begin(&v, r);
		free(picture(&v, 24, 80, false, &size));
		press(&v, "l");
		text = picture(&v, 24, 80, false, &size);
		assert_int_equal(!strstr(text, "nothing was said"), r->processes->n_lost > 0);
		assert_int_equal(!strstr(text, "not counted, 1 time: a stack was cut"),
				 !r->processes->n_lost);
		assert_int_equal(!strstr(text, "not counted, number not known: a birth was missed"),
				 !r->processes->n_lost);
		assert_null(strstr(text, "never"));
		free(text);
		view_free(&v);
	}
	r->processes[0] = was;
	report_free(r);
}

/* Those of a tree are one row of their own, which opens. */
static void a_tree_of_one_is_one_process(void **state)
{
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	struct report_tree tree = {.merged = &one};
	struct view v;
	size_t size;
	char *text;

	(void)state;
	one.pid = 0;
	one.comm = "gunicorn";
	one.n_members = 1;
	r->n_processes = 1;
	r->tree = &tree;
	begin(&v, r);
	text = picture(&v, 24, 80, false, &size);
	assert_non_null(strstr(text, "all of them as one"));
	free(text);
	press(&v, "\r");
	text = picture(&v, 24, 80, false, &size);
	assert_non_null(strstr(text, "pyleak-bpf  1 process of gunicorn, CPython"));
	free(text);
	view_free(&v);
	r->tree = NULL;
	report_free(r);
}

static void check_cells(const struct canvas *c)
{
	for (int i = 0; i < c->rows * c->cols; i++) {
		const struct cell *at = &c->cell[i];
		mbstate_t s = {0};
		wchar_t w;

		for (const char *b = at->text; *b; b++)
			assert_true((uint8_t)*b >= 0x20 && (uint8_t)*b != 0x7f);
		if (!*at->text)
			continue;
		assert_true(at->cols == 1 || at->cols == 2);
		assert_true(!c->is_ascii || (uint8_t)*at->text < 0x80);
		assert_true((ssize_t)mbrtowc(&w, at->text, sizeof(at->text), &s) > 0);
		assert_int_equal(wcwidth(w), at->cols);
	}
}

static const struct {
	const char *name, *text;
} hostile[] = {
	{"escapes", "\x1b[2J\x1b]0;title\x07\x1b[1m"},
	{"stray bytes", "\xff\xfe\xc3"},
	{"C1 controls", "\xc2\x9b"
			"2J"},
	{"wide", "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"},
	{"heaps of marks", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"},
	{"a mark first", "\xcc\x81x"},
	{"right to left", "\xe2\x80\xae"
			  "abc"},
	{"an unassigned character", "\xf3\xb0\x80\x80x"},
	{"lines", "a\nb\rc\td"},
};

static void names_are_inert_at_each_width(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		for (int cols = 1; cols < 30; cols++)
			for (int ascii = 0; ascii < 2; ascii++) {
				struct canvas c;

				assert_int_equal(canvas_init(&c, 2, cols, ascii), 0);
				canvas_put(&c, 0, 0, cols, STYLE_PLAIN, hostile[i].text);
				canvas_line(&c, 1, 0, cols, hostile[i].text);
				canvas_put(&c, 0, 1, cols, STYLE_PLAIN, "x");
				check_cells(&c);
				canvas_free(&c);
			}
	setlocale(LC_CTYPE, "C");
}

static void every_size_can_be_drawn(void **state)
{
	static const int cols[] = {1, 2, 9, 20, 40, 79, 80, 109, 110, 250};
	static const char *const keys[] = {"", "\r", "t", "f", "m", "h", "l", "/da", "S"};
	struct report *r = sample_report();

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		for (size_t i = 0; i < ARRAY_SIZE(cols); i++)
			for (int n = 1; n < 60; n += n < 12 ? 1 : 7) {
				struct canvas c;
				struct view v;

				begin(&v, r);
				assert_int_equal(canvas_init(&c, n, cols[i], false), 0);
				view_draw(&v, &c);
				press(&v, "\r");
				press(&v, keys[k]);
				view_draw(&v, &c);
				view_key(&v, VIEW_END);
				view_draw(&v, &c);
				check_cells(&c);
				canvas_free(&c);
				view_free(&v);
			}
	report_free(r);
	setlocale(LC_CTYPE, "C");
}

static void what_is_selected_stays_selected(void **state)
{
	struct report *r = sample_report();
	struct report_site swap;
	char site[17];
	struct view v;
	size_t size;

	(void)state;
	begin(&v, r);
	r->n_processes = 1;
	view_show(&v, r);
	free(picture(&v, 24, 80, false, &size));
	v.page = PAGE_SITES;
	free(picture(&v, 24, 80, false, &size));
	press(&v, "j");
	strcpy(site, v.site);
	assert_int_equal(v.at, 1);
	assert_true(strlen(site) == 16);
	swap = r->processes[0].sites[1];
	r->processes[0].sites[1] = r->processes[0].sites[2];
	r->processes[0].sites[2] = swap;
	r->duration_s++;
	view_show(&v, r);
	assert_int_equal(v.at, 2);
	assert_string_equal(v.site, site);
	press(&v, "\r");
	assert_int_equal(v.page, PAGE_SITE);
	view_key(&v, VIEW_BACK);
	assert_int_equal(v.page, PAGE_SITES);
	assert_string_equal(v.site, site);
	view_free(&v);
	report_free(r);
	setlocale(LC_CTYPE, "C");
}

static void search_and_sort_find_rows(void **state)
{
	struct report *r = sample_report();
	struct view v;
	size_t size;

	(void)state;
	r->n_processes = 1;
	begin(&v, r);
	free(picture(&v, 24, 80, false, &size));
	press(&v, "/PARSE");
	assert_true(v.at > 0);
	assert_int_equal(r->processes[0].sites[v.at].kind, KIND_HEAP);
	press(&v, "zzz");
	assert_non_null(strstr(v.message, "nowhere here"));
	view_key(&v, VIEW_BACK);
	assert_string_equal(v.find, "");
	view_key(&v, VIEW_HOME);
	press(&v, "ssssI");
	assert_int_equal(v.sort, SORT_AGE);
	assert_int_equal(v.at, 0);
	view_free(&v);
	report_free(r);
	setlocale(LC_CTYPE, "C");
}

/* A copy shares no text, though those of the sample are constants that never go. */
static void is_another(const char *copy, const char *text)
{
	if (text)
		assert_ptr_not_equal(copy, text);
	else
		assert_null(copy);
}

static void owns_its_frames(const struct report_site *copy, const struct report_site *s)
{
	for (size_t i = 0; i < s->n_frames; i++) {
		is_another(copy->stack[i].function, s->stack[i].function);
		is_another(copy->stack[i].file, s->stack[i].file);
		is_another(copy->stack[i].module, s->stack[i].module);
		is_another(copy->stack[i].build_id, s->stack[i].build_id);
		is_another(copy->stack[i].source, s->stack[i].source);
		is_another(copy->stack[i].around, s->stack[i].around);
	}
}

static void a_copy_says_the_same_when_the_report_is_gone(void **state)
{
	struct report *r = sample_report(), *copy;
	const struct out_term_opts o = {.verbose = true};
	char *text[2];
	size_t size[2];
	FILE *f = open_memstream(&text[0], &size[0]);

	(void)state;
	assert_int_equal(out_json(f, r), 0);
	assert_int_equal(out_term(f, r, &o), 0);
	fclose(f);
	assert_int_equal(report_copy(r, &copy), 0);
	report_free(r);
	f = open_memstream(&text[1], &size[1]);
	assert_int_equal(out_json(f, copy), 0);
	assert_int_equal(out_term(f, copy, &o), 0);
	fclose(f);
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(text[0], text[1], size[0]);
	assert_ptr_not_equal(copy->processes[0].sites[0].stack, sample_sites[0].stack);
	for (size_t i = 0; i < copy->processes[0].n_sites; i++)
		owns_its_frames(&copy->processes[0].sites[i], &sample_sites[i]);
	free(text[0]);
	free(text[1]);
	report_free(copy);
}

static void a_long_past_keeps_its_shape(void **state)
{
	struct report *r = sample_report();
	struct report_process *p = &r->processes[0];
	const struct history_line *l;
	struct history h = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		r->duration_s = i;
		p->rss_bytes = (uint64_t)(1000 + i);
		history_add(&h, r);
	}
	l = history_process(&h, p);
	assert_non_null(l);
	assert_true(l->n > HISTORY_POINTS / 4 && l->n <= HISTORY_POINTS);
	assert_true(l->v[0].t_s == 0 && l->v[l->n - 1].t_s == 999);
	for (size_t i = 0; i < l->n; i++)
		assert_true(l->v[i].v == 1000 + l->v[i].t_s);
	history_free(&h);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_are_as_in_the_golden_files),
		cmocka_unit_test(losses_are_told_as_in_the_report),
		cmocka_unit_test(a_tree_of_one_is_one_process),
		cmocka_unit_test(names_are_inert_at_each_width),
		cmocka_unit_test(every_size_can_be_drawn),
		cmocka_unit_test(what_is_selected_stays_selected),
		cmocka_unit_test(search_and_sort_find_rows),
		cmocka_unit_test(a_copy_says_the_same_when_the_report_is_gone),
		cmocka_unit_test(a_long_past_keeps_its_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides which page is shown, and obeys keys. */
#include "screen/view.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <wchar.h>

#include "screen/view_priv.h"

void view_init(struct view *v)
{
	*v = (struct view){.page = PAGE_SITES, .now = {.left_s = NAN}};
}

void view_free(struct view *v)
{
	history_free(&v->history);
}

static bool is_table(const struct view *v)
{
	return v->page == PAGE_PROCESSES || v->page == PAGE_SITES;
}

/* Chooses the first page: the sites of one process, or the list of several. */
static void show_first(struct view *v)
{
	const struct report_process *p = rows_process_at(v, 0);

	v->is_shown_once = true;
	v->page = rows_processes(v) == 1 ? PAGE_SITES : PAGE_PROCESSES;
	v->pid = p->pid;
	v->is_tree = v->r->tree != NULL;
}

void view_show(struct view *v, const struct report *r)
{
	bool is_joined; /* other processes have joined the only one */

	v->r = r;
	history_add(&v->history, r);
	if (!rows_processes(v))
		return;
	is_joined = v->page == PAGE_SITES && !v->depth && rows_processes(v) > 1 && !v->at;
	if (!v->is_shown_once || is_joined)
		show_first(v);
	if (is_table(v))
		rows_follow(v);
}

void view_say(struct view *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->message, sizeof(v->message), fmt, ap);
	va_end(ap);
}

static void go_to(struct view *v, enum view_page page)
{
	if (v->page == page)
		return;
	if (v->depth == VIEW_DEPTH)
		memmove(v->back, v->back + 1, --v->depth * sizeof(*v->back));
	v->back[v->depth++] = v->page;
	v->page = page;
	v->scroll = v->at = v->first = 0;
	if (page == PAGE_SITES)
		*v->site = '\0';
	if (is_table(v))
		rows_select(v, 0);
}

static void go_back(struct view *v)
{
	*v->find = '\0';
	if (!v->depth)
		return;
	v->page = v->back[--v->depth];
	v->scroll = v->first = 0;
	v->at = 1; /* not the first row, but the one that was selected */
	if (is_table(v))
		rows_follow(v);
}

/* Goes to a page of text. From another page of text it takes that one's place, so that one step
 * goes back. */
static void go_across(struct view *v, enum view_page page)
{
	if (v->page != PAGE_PROCESSES && v->page != PAGE_SITES && v->page != PAGE_SITE && v->depth)
		v->page = v->back[--v->depth];
	go_to(v, page);
}

static void go_in(struct view *v)
{
	if (v->page == PAGE_PROCESSES && rows_process(v))
		go_to(v, PAGE_SITES);
	else if (v->page == PAGE_SITES && rows_site(v))
		go_to(v, PAGE_SITE);
}

/* ---- Up and down. ---- */

static void move_row(struct view *v, long by)
{
	long n = (long)v->n_rows, at = (long)v->at + by;

	if (n)
		rows_select(v, (size_t)(at < 0 ? 0 : at >= n ? n - 1 : at));
}

static void move_text(struct view *v, long by)
{
	long last = (long)v->n_rows - (long)v->rows_shown, at = (long)v->scroll + by;

	last = last < 0 ? 0 : last;
	v->scroll = (size_t)(at < 0 ? 0 : at > last ? last : at);
}

static bool move(struct view *v, uint32_t key)
{
	long page = v->rows_shown > 1 ? (long)v->rows_shown - 1 : 1, by;

	switch (key) {
	case VIEW_UP:
	case 'k':
		by = -1;
		break;
	case VIEW_DOWN:
	case 'j':
		by = 1;
		break;
	case VIEW_PAGE_UP:
		by = -page;
		break;
	case VIEW_PAGE_DOWN:
	case ' ':
		by = page;
		break;
	case VIEW_HOME:
	case 'g':
		by = -(long)v->n_rows;
		break;
	case VIEW_END:
	case 'G':
		by = (long)v->n_rows;
		break;
	default:
		return false;
	}
	if (is_table(v))
		move_row(v, by);
	else
		move_text(v, by);
	return true;
}

/* ---- Typed keys. ---- */

static void find_from(struct view *v, size_t from)
{
	size_t row;

	if (!*v->find)
		return;
	if (!is_table(v)) {
		page_find(v);
		return;
	}
	row = rows_find(v, from);
	if (row == TEXT_NOWHERE)
		view_say(v, "that is nowhere here");
	else
		rows_select(v, row);
}

static void find_next(struct view *v)
{
	if (is_table(v)) {
		find_from(v, v->at + 1);
		return;
	}
	v->scroll++;
	page_find(v);
}

static void erase_one(char *text)
{
	size_t n = strlen(text);

	while (n && ((uint8_t)text[n - 1] & 0xc0) == 0x80)
		n--;
	text[n ? n - 1 : 0] = '\0';
}

static void type(struct view *v, uint32_t key)
{
	char one[MB_LEN_MAX + 1] = "";
	mbstate_t state = {0};
	size_t n = wcrtomb(one, (wchar_t)key, &state);

	if (n == (size_t)-1 || key < ' ' || strlen(v->find) + n >= sizeof(v->find))
		return;
	one[n] = '\0';
	strcat(v->find, one);
}

static void search_key(struct view *v, uint32_t key)
{
	if (key == VIEW_ENTER || key == VIEW_BACK) {
		v->is_searching = false;
		if (key == VIEW_BACK)
			*v->find = '\0';
		return;
	}
	if (key == VIEW_ERASE)
		erase_one(v->find);
	else if (key < VIEW_UP)
		type(v, key);
	find_from(v, v->at);
}

static enum view_wish save_key(struct view *v, uint32_t key)
{
	v->is_saving = false;
	if (key < '1' || key >= '1' + OUT_FORMATS_MAX)
		return VIEW_NOTHING;
	v->save_as = (enum out_format)(key - '1');
	return VIEW_SAVE;
}

static void sort_on(struct view *v, int by)
{
	static const char *const words[SORTS] = {
		"what is expected to be lost first",
		"bytes per second",
		"objects per second",
		"bytes that stay",
		"age",
		"line",
	};

	v->sort = (enum view_sort)(((int)v->sort + by + SORTS) % SORTS);
	view_say(v, "sorted by %s", words[v->sort]);
	rows_follow(v);
}

static enum view_wish act(struct view *v, uint32_t key)
{
	switch (key) {
	case 'q':
		return VIEW_QUIT;
	case 'S':
		v->is_saving = v->r != NULL;
		break;
	case 'h':
	case '?':
		go_across(v, PAGE_HELP);
		break;
	case 't':
		go_across(v, PAGE_TYPES);
		break;
	case 'f':
		go_across(v, PAGE_FDS);
		break;
	case 'm':
		go_across(v, PAGE_MEMORY);
		break;
	case 'l':
		go_across(v, PAGE_LOG);
		break;
	case '/':
		v->is_searching = true;
		*v->find = '\0';
		break;
	case 'n':
	case VIEW_NEXT:
		find_next(v);
		break;
	case 's':
	case '>':
		if (v->page == PAGE_SITES)
			sort_on(v, 1);
		break;
	case '<':
		if (v->page == PAGE_SITES)
			sort_on(v, -1);
		break;
	case 'I':
		v->is_reverse = !v->is_reverse;
		rows_follow(v);
		break;
	case 'p':
		v->is_paused = !v->is_paused;
		break;
	case VIEW_ENTER:
		go_in(v);
		break;
	case VIEW_BACK:
	case VIEW_ERASE:
		go_back(v);
		break;
	case VIEW_LEFT:
		return VIEW_EARLIER;
	case VIEW_RIGHT:
		return VIEW_LATER;
	default:
		break;
	}
	return VIEW_NOTHING;
}

enum view_wish view_key(struct view *v, uint32_t key)
{
	*v->message = '\0';
	if (v->is_saving)
		return save_key(v, key);
	if (v->is_searching) {
		search_key(v, key);
		return VIEW_NOTHING;
	}
	return move(v, key) ? VIEW_NOTHING : act(v, key);
}

void view_draw(struct view *v, struct canvas *c)
{
	bool is_said = v->page == PAGE_HELP || v->page == PAGE_LOG;

	if (!v->r && !is_said)
		starting_draw(v, c);
	else if (v->page == PAGE_PROCESSES)
		processes_draw(v, c);
	else if (v->page == PAGE_SITES)
		sites_draw(v, c);
	else
		page_draw(v, c);
	frame_draw(v, c);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lines/text.h"

#include <unistd.h>

#include "lines/lines.h"
#include "proc/gate.h"

#define MAX_LINE_NUMBER 1000000
#define MAX_BYTES	(4u << 20) /* generated modules have a few hundred KiB */
#define MAX_TEXT	400
#define MAX_LINES	3 /* innermost Python frames of a site that get text */
#define AROUND		2 /* lines above and below the site's own */

struct reader {
	const struct proc *p;
	struct report *r;
	size_t *left;
	double started_at;
	/* files that are not, or maybe not, those that the program read */
	VEC(const char *) unfit[LINES_MAYBE_OF_IT + 1];
};

struct excerpt {
	int first, last, line; /* the wanted lines; the one that was reached */
	char text[(2 * AROUND + 1) * MAX_TEXT];
	size_t n, of_line;
};

static void add_letter(struct excerpt *e, char c)
{
	bool is_wanted = e->line >= e->first && e->line <= e->last;

	if (c == '\n') {
		e->line++;
		e->of_line = 0;
		is_wanted = is_wanted && e->line <= e->last;
	} else {
		e->of_line++;
		is_wanted = is_wanted && e->of_line < MAX_TEXT && c != '\r' && c != '\0';
	}
	if (is_wanted)
		e->text[e->n++] = c;
}

/* Reads the lines. Bounds what is read, as the file may grow meanwhile. */
static void read_lines(int fd, struct excerpt *e, size_t *left)
{
	char buf[16384];
	ssize_t got;

	e->line = 1;
	for (off_t at = 0; at < MAX_BYTES && (got = pread(fd, buf, sizeof(buf), at)) > 0;
	     at += got) {
		*left -= *left < (size_t)got ? *left : (size_t)got;
		for (ssize_t i = 0; i < got; i++) {
			add_letter(e, buf[i]);
			if (e->line > e->last)
				return;
		}
	}
	if (e->n && e->text[e->n - 1] == '\n')
		e->n--;
}

/* Gives one line of the text, without its indent; NULL = the text ends before it. */
static const char *line_of(struct report *r, const struct excerpt *e, int line)
{
	const char *at = e->text, *end = e->text + e->n;
	size_t n;

	for (int k = e->first; k < line && at; k++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at || (at == end && e->line < line))
		return NULL;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	for (n = 0; at + n < end && at[n] != '\n';)
		n++;
	return report_printf(r, "%.*s", (int)n, at);
}

static bool is_unfit(const struct reader *to, const char *file)
{
	for (size_t k = 0; k < ARRAY_SIZE(to->unfit); k++)
		for (size_t i = 0; i < to->unfit[k].n; i++)
			if (!strcmp(to->unfit[k].v[i], file))
				return true;
	return false;
}

static void add_lines(struct reader *to, struct report_frame *f, bool is_own)
{
	struct excerpt e = {.first = f->line > AROUND ? f->line - AROUND : 1,
			    .last = f->line + AROUND};
	auto_close int fd = -1;
	const char **unfit;
	enum lines_of of;

	if (!*to->left || !f->file || f->line <= 0 || f->line > MAX_LINE_NUMBER ||
	    f->file[0] == '<' || is_unfit(to, f->file) ||
	    proc_open_named(to->p, f->file, MAX_BYTES, &fd))
		return;
	of = lines_are_of(to->started_at, fd);
	if (of != LINES_OF_IT) {
		unfit = vec_push(&to->unfit[of]);
		if (unfit)
			*unfit = f->file;
		return;
	}
	read_lines(fd, &e, to->left);
	f->source = line_of(to->r, &e, f->line);
	if (f->source && is_own)
		f->around = report_printf(to->r, "%.*s", (int)e.n, e.text);
}

static void add_to_site(struct reader *to, struct report_site *site)
{
	const struct report_frame *own = report_own_frame(site);
	unsigned n = 0;

	for (size_t i = 0; i < site->n_frames; i++) {
		struct report_frame *f = &site->stack[i];

		if (n < MAX_LINES || f == own)
			add_lines(to, f, f == own);
		n += !f->native;
	}
}

/* Adds one note for all such files: after a release they may be many. */
static void note_unfit(const struct reader *from, enum lines_of of, struct report_process *to)
{
	size_t n = from->unfit[of].n;
	const char **notes;
	char others[64] = "";

	if (!n)
		return;
	notes = report_alloc(from->r, (to->n_notes + 1) * sizeof(*notes));
	if (!notes)
		return;
	if (n > 1)
		snprintf(others, sizeof(others), " and %zu other file%s", n - 1, n == 2 ? "" : "s");
	for (size_t i = 0; i < to->n_notes; i++)
		notes[i] = to->notes[i];
	notes[to->n_notes++] = report_printf(
		from->r, "lines of %s%s are told without their text: %s", from->unfit[of].v[0],
		others,
		of == LINES_OF_ANOTHER
			? "changed since the process started, so what runs may be older"
			: "may have changed since the process started (by a copy that keeps "
			  "times, or only a chmod, rename or hard link)");
	to->notes = notes;
}

void lines_add_text(const struct proc *p, double started_at, struct report *r,
		    struct report_process *to, size_t top, size_t *left)
{
	struct reader reader = {.p = p, .r = r, .left = left, .started_at = started_at};

	for (size_t i = 0; i < to->n_sites && i < top; i++)
		add_to_site(&reader, &to->sites[i]);
	note_unfit(&reader, LINES_OF_ANOTHER, to);
	note_unfit(&reader, LINES_MAYBE_OF_IT, to);
	for (size_t i = 0; i < ARRAY_SIZE(reader.unfit); i++)
		vec_free(&reader.unfit[i]);
}

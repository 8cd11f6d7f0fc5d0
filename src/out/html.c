/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a page: the scripts and style built from web/, and the report in it as JSON, and as text
 * for readers without scripts. */
#include <math.h>
#include <stdlib.h>

#include "out/frames.h"
#include "out/json_shape.h"
#include "out/out.h"
#include "web/page.h"

#define TEXT_SITES 20
#define TEXT_EACH  8 /* more processes are written as those of a sweep */
#define TEXT_WIDTH 160

/* Long data are in parts: a browser copies the text of an element each time more of it comes. */
#define PART_BYTES (1U << 20)
#define NEXT_PART  "</script>\n<script type=\"application/json\">"

/* Writes [native, function, file, line, module, offset, minor, source, around]. */
static void put_frame(struct json *j, const struct report_frame *at)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)at->offset);
	json_array(j, NULL, true);
	json_unsigned(j, NULL, at->native);
	json_string(j, NULL, at->function);
	json_string(j, NULL, at->file);
	json_unsigned(j, NULL, at->line > 0 ? (uint64_t)at->line : 0);
	json_string(j, NULL, at->module);
	json_string(j, NULL, at->native ? hex : NULL);
	json_unsigned(j, NULL, at->minor);
	json_string(j, NULL, at->source);
	json_string(j, NULL, at->around);
	json_close(j);
}

/* Writes for each site the index of the frame in the user's own code; null if it has none. */
static void put_own(struct json *j, const struct report_process *p)
{
	json_array(j, "own", true);
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_frame *own = report_own_frame(&p->sites[i]);

		json_unsigned(j, NULL, own ? (uint64_t)(own - p->sites[i].stack) : REPORT_UNKNOWN);
	}
	json_close(j);
}

/* Writes members that the report's JSON does not have. */
static void put_more(struct json *j, const struct report_process *p)
{
	json_object(j, NULL, true);
	put_own(j, p);
	json_array(j, "cut", true);
	for (size_t i = 0; i < p->n_sites; i++)
		json_unsigned(j, NULL, p->sites[i].truncated);
	json_close(j);
	json_object(j, "lost", true);
	for (size_t i = 0; i < p->n_lost; i++)
		json_string(j, p->lost[i].key, p->lost[i].text);
	json_close(j);
	json_close(j);
}

struct parts {
	FILE *f;
	size_t left; /* of the part */
};

static ssize_t put_in_parts(void *cookie, const char *s, size_t n)
{
	struct parts *p = cookie;

	for (size_t done = 0, step; done < n; done += step) {
		if (p->left == 0) {
			if (fputs(NEXT_PART, p->f) < 0)
				return 0;
			p->left = PART_BYTES;
		}
		step = n - done < p->left ? n - done : p->left;
		if (fwrite(s + done, 1, step, p->f) != step)
			return 0;
		p->left -= step;
	}
	return (ssize_t)n;
}

static int put_json(FILE *f, const struct report *r)
{
	struct out_frames frames = {.is_exact = true};
	struct json j;
	int err;

	json_begin(&j, f);
	j.is_dense = true;
	j.frames = &frames;
	json_object(&j, NULL, true);
	json_shape(&j, "report", &shape_report, r);
	json_array(&j, "more", true);
	for (size_t i = 0; i < r->n_processes; i++)
		put_more(&j, &r->processes[i]);
	if (r->tree)
		put_more(&j, r->tree->merged);
	json_close(&j);
	json_array(&j, "frames", true);
	for (size_t i = 0; i < frames.v.n; i++)
		put_frame(&j, frames.v.v[i].at);
	json_close(&j);
	json_close(&j);
	err = json_end(&j);
	out_frames_fini(&frames);
	return err;
}

static int put_data(FILE *f, const struct report *r)
{
	struct parts parts = {.f = f, .left = PART_BYTES};
	FILE *in_parts = fopencookie(&parts, "w", (cookie_io_functions_t){.write = put_in_parts});
	int err;

	if (!in_parts)
		return -ENOMEM;
	err = put_json(in_parts, r);
	if (fclose(in_parts) != 0 && !err)
		err = -errno;
	return err;
}

static int put_escaped(FILE *f, const char *s, size_t n)
{
	errno = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '<')
			fputs("&lt;", f);
		else if (s[i] == '&')
			fputs("&amp;", f);
		else
			fputc(s[i], f);
	}
	return !ferror(f) ? 0 : errno ? -errno : -EIO;
}

/* Writes the terminal report: it has no characters that act, but '<' and '&' must be escaped. */
static int put_text(FILE *f, const struct report *r)
{
	const struct out_term_opts plain = {.top = TEXT_SITES, .width = TEXT_WIDTH};
	char *text = NULL;
	size_t n = 0;
	FILE *memory = open_memstream(&text, &n);
	bool is_sweep = !r->tree && r->n_processes > TEXT_EACH;
	int err = -ENOMEM;

	if (memory)
		err = (is_sweep ? out_term_sweep : out_term)(memory, r, &plain);
	if (memory && fclose(memory) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		err = put_escaped(f, text, n);
	free(text);
	return err;
}

/* Looks for an error at once, as later writes change errno. */
static int put_page(FILE *f, const unsigned char *part, size_t n)
{
	errno = 0;
	fwrite(part, 1, n, f);
	return !ferror(f) ? 0 : errno ? -errno : -EIO;
}

static int put_all(FILE *f, const struct report *r)
{
	int err = put_page(f, page_head, sizeof(page_head));

	if (!err)
		err = put_text(f, r);
	if (!err)
		err = put_page(f, page_middle, sizeof(page_middle));
	if (!err)
		err = put_data(f, r);
	if (!err)
		err = put_page(f, page_tail, sizeof(page_tail));
	if (!err && fflush(f) != 0)
		err = -errno;
	return err;
}

int out_html(FILE *f, const struct report *r)
{
	int err = put_all(f, r);

	return err ? fail(err, "cannot write the page: %s", strerror(-err)) : 0;
}

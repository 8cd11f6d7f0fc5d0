/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/stop.h"
#include "out/out.h"

#define FIRST_NS 1000000000ull
#define EVERY_NS 200000000ull

void progress_begin(struct progress *p, bool quiet)
{
	*p = (struct progress){
		.is_wanted = !quiet && isatty(STDERR_FILENO),
		.begin_ns = clock_ns(),
	};
	p->next_ns = p->begin_ns + FIRST_NS;
}

/* Over what stood there before; a line that wraps could not be taken back. */
static void rewrite(struct progress *p, char *text)
{
	int width = out_width(stderr);
	size_t n = strlen(text);

	if (width > 1 && n >= (size_t)width)
		text[n = (size_t)width - 1] = '\0';
	fprintf(stderr, "\r%-*s", (int)p->shown, text);
	fflush(stderr);
	p->shown = n;
}

/* "reading the heap: 1.3 GiB of ~4.0 GiB, 12.4 M objects, 9 s" */
static void show(struct progress *p, const struct heap_progress *at, double seconds)
{
	uint64_t read = at->bytes < at->of_bytes ? at->bytes : at->of_bytes;
	char text[160], part[32], all[32];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s: ", at->doing);

	if (at->of_bytes)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s of ~%s, ",
				      fmt_bytes(part, sizeof(part), (double)read),
				      fmt_bytes(all, sizeof(all), (double)at->of_bytes));
	if (at->objects)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s objects, ",
				      fmt_count(part, sizeof(part), (double)at->objects));
	snprintf(text + n, sizeof(text) - n, "%s", fmt_duration(part, sizeof(part), seconds));
	rewrite(p, text);
}

int progress_heap(const struct heap_progress *at, void *ctx)
{
	struct progress *p = ctx;
	uint64_t now;

	if (stop_asked())
		return fail(-ECANCELED, "interrupted before the heap was read to its end");
	if (!p->is_wanted)
		return 0;
	now = clock_ns();
	if (now < p->next_ns)
		return 0;
	p->next_ns = now + EVERY_NS;
	show(p, at, (double)(now - p->begin_ns) / 1e9);
	return 0;
}

void progress_end(struct progress *p)
{
	char nothing[1] = "";

	if (p->shown) {
		rewrite(p, nothing);
		fputs("\r", stderr);
	}
	p->is_wanted = false;
}

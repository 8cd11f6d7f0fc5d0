/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/stop.h"
#include "out/out.h"

#define FIRST_NS 1000000000ull
#define EVERY_NS 200000000ull
#define TURN_NS	 2000000ull /* of our CPU time, after which we see whether others want the CPU */
#define MOST_NS	 100000000ull

void progress_begin(struct progress *p, bool quiet)
{
	*p = (struct progress){
		.is_wanted = !quiet && isatty(STDERR_FILENO),
		.begin_ns = clock_ns(),
		.cpu_ns = thread_cpu_ns(),
	};
	p->turn_ns = p->begin_ns;
	p->next_ns = p->begin_ns + FIRST_NS;
}

/* Writes over the line that stands there. The text is cut, because a line that wraps could not be
 * taken back. */
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

/* Shows "reading the heap: 1.3 GiB of ~4.0 GiB, 12.4 M objects, 9 s". */
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

/* Rests for twice as long as we had to wait for a CPU, so that others get the most of it. We run at
 * nice 0, because a lock of the target's is held now and then (thread_calm()), but the target comes
 * first. */
static void give_way(struct progress *p)
{
	uint64_t now = clock_ns(), cpu = thread_cpu_ns(), worked = cpu - p->cpu_ns;
	uint64_t waited = now - p->turn_ns > worked ? now - p->turn_ns - worked : 0;
	uint64_t ns = waited < MOST_NS / 2 ? 2 * waited : MOST_NS;
	const struct timespec nap = {.tv_nsec = (long)ns};

	if (worked < TURN_NS)
		return;
	nanosleep(&nap, NULL);
	p->turn_ns = clock_ns();
	p->cpu_ns = cpu;
}

int progress_heap(const struct heap_progress *at, void *ctx)
{
	struct progress *p = ctx;
	uint64_t now;

	if (stop_asked())
		return fail(-ECANCELED, "interrupted before the heap was read to its end");
	give_way(p);
	if (!p->is_wanted)
		return 0;
	now = clock_ns();
	if (now < p->next_ns)
		return 0;
	p->next_ns = now + EVERY_NS;
	show(p, at, (double)(now - p->begin_ns) / 1e9);
	return 0;
}

void progress_wait(struct progress *p, const char *doing)
{
	uint64_t now = clock_ns();
	char text[160], took[32];

	if (!p->is_wanted || now < p->next_ns)
		return;
	p->next_ns = now + EVERY_NS;
	snprintf(text, sizeof(text), "%s: %s", doing,
		 fmt_duration(took, sizeof(took), (double)(now - p->begin_ns) / 1e9));
	rewrite(p, text);
}

void progress_count(struct progress *p, const char *doing, size_t done, size_t of)
{
	uint64_t now = clock_ns();
	char text[160], n[32], all[32], took[32];

	if (!p->is_wanted || now < p->next_ns)
		return;
	p->next_ns = now + EVERY_NS;
	snprintf(text, sizeof(text), "%s: %s of %s, %s", doing, fmt_integer(n, sizeof(n), done),
		 fmt_integer(all, sizeof(all), of),
		 fmt_duration(took, sizeof(took), (double)(now - p->begin_ns) / 1e9));
	rewrite(p, text);
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

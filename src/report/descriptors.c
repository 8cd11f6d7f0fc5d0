/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes sentences about descriptors, threads and children that pile up; predicts their limit. */
#include "report/descriptors.h"

#include <math.h>
#include <stdio.h>

#include "report/report.h"

double report_fds_eta(const struct report_fds *f)
{
	if (f->limit == REPORT_UNKNOWN || !(f->growth_per_s > 0))
		return NAN;
	return f->open >= f->limit ? 0 : (double)(f->limit - f->open) / f->growth_per_s;
}

static void hint_socket(struct report *r, const struct report_fd_facts *f, struct report_hint *h)
{
	char closed[80] = "";

	if (f->abandoned)
		snprintf(closed, sizeof(closed),
			 "; %zu of them the other side has closed (CLOSE_WAIT)", f->abandoned);
	h->code = "socket-not-closed";
	h->text = report_printf(
		r,
		"sockets made here stay open (%s)%s: close them when their work is done\n"
		"with contextlib.closing(sock): ...",
		f->what ? f->what : "socket", closed);
}

static void hint_database(struct report *r, const struct report_fd_facts *f, struct report_hint *h)
{
	h->code = "db-connection-not-closed";
	h->text = report_printf(
		r,
		"connections to %s that are opened here stay open: close them, or give them back "
		"to a pool\n"
		"with contextlib.closing(connect(...)) as db: ...",
		f->database);
}

static void hint_file(struct report *r, const struct report_fd_facts *f, struct report_hint *h)
{
	h->code = "fd-not-closed";
	h->text = report_printf(
		r,
		f->most == FD_FACT_FILE
			? "what is opened here stays open (%s): close it, or\n"
			  "with open(...) as f: ... (mmap.mmap and os.dup have a descriptor of "
			  "their own)"
			: "what is opened here stays open (%s): close it when its work "
			  "is done",
		f->what ? f->what : "descriptor");
}

static const char not_reaped[] = "child-not-reaped";

bool report_is_child(const struct report_site *s)
{
	return s->hint.code && !strcmp(s->hint.code, not_reaped);
}

/* "3 of 5 children started here have ended and nobody waits for them: ..." */
static void hint_child(struct report *r, const struct report_fd_facts *f, struct report_hint *h)
{
	bool ended = 2 * f->zombies >= f->n;
	size_t n = ended ? f->zombies : f->n;
	const char *children = f->n == 1 ? "child" : "children", *it = n == 1 ? "it" : "them";
	char of[32] = "";

	if (n < f->n)
		snprintf(of, sizeof(of), "of %zu ", f->n);
	h->code = not_reaped;
	h->text = ended ? report_printf(r,
					"%zu %s%s started here %s ended and nobody waits for %s: "
					"call wait() on %s, or\n"
					"subprocess.run([...])",
					n, of, children, n == 1 ? "has" : "have", it, it)
			: report_printf(r,
					"%zu %s started here %s still there: end %s, and wait() "
					"for %s",
					n, children, n == 1 ? "is" : "are", it, it);
}

void report_fd_hint(struct report *r, const struct report_fd_facts *f, struct report_site *site)
{
	struct report_hint *h = &site->hint;

	if (f->most == FD_FACT_THREAD) {
		h->code = "thread-not-ended";
		h->text = "threads started here do not end: give their loop a way out, or let a "
			  "pool of bounded size do the work\n"
			  "concurrent.futures.ThreadPoolExecutor(max_workers=8)";
	} else if (f->most == FD_FACT_CHILD) {
		hint_child(r, f, h);
	} else if (f->database) {
		hint_database(r, f, h);
	} else if (f->most == FD_FACT_SOCKET) {
		hint_socket(r, f, h);
	} else {
		hint_file(r, f, h);
	}
	if (!h->text)
		h->text = "";
}

/* Does libffi map it, for callbacks of ctypes and cffi? */
static bool is_of_callbacks(const struct report_site *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		if (s->stack[i].native && s->stack[i].module &&
		    !strncmp(file_name(s->stack[i].module), "libffi", strlen("libffi")))
			return true;
	return false;
}

void report_mapping_hint(struct report_site *site)
{
	site->hint = (struct report_hint){
		.code = "mapping-not-released",
		.text = is_of_callbacks(site)
				? "Callbacks that C code may call are made here (ctypes, cffi), "
				  "and kept.\nMake each once, or drop the last reference to it "
				  "when C code is done with it."
			: report_own_frame(site)
				? "Memory mapped here is never unmapped.\n"
				  "Close the map, or drop the last reference to what holds it: "
				  "with mmap.mmap(...) as m: ..."
				: "Memory mapped here is never unmapped. No line of Python asks "
				  "for it:\n"
				  "C code maps it, or the interpreter, as it does for each thread "
				  "that is started.",
	};
}

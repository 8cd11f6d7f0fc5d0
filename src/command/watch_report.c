/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fills, prints and writes the reports of a watch. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "command/watch_priv.h"
#include "out/out.h"

#define COUNT_NS 2000000000ull /* between two counts of children in a recording */
#define LAST_S	 0.8	       /* so long before its time is up a watch begins the last answers */

static void ask_last(const struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->target[i].session)
			session_ask_last(w->target[i].session);
}

void watch_near_end(const struct watch *w)
{
	if (w->o.duration_s > 0 && watch_elapsed_s(w) > w->o.duration_s - LAST_S)
		ask_last(w);
}

static int fill(struct watch *w, struct report *r, bool final)
{
	uint64_t now_ns = clock_ns();
	int err;

	r->final = final;
	r->started_at = w->started_at;
	r->ended_at = wall_clock();
	r->duration_s = watch_elapsed_s(w);
	r->processes = report_alloc(r, w->n * sizeof(*r->processes));
	if (!r->processes)
		return fail(-ENOMEM, "no memory for a report");
	if (final)
		ask_last(w);
	for (size_t i = 0; i < w->n; i++) {
		struct report_process *p = &r->processes[r->n_processes];

		if (!w->target[i].session)
			continue;
		err = session_fill(w->target[i].session, now_ns, r, p);
		if (err)
			return watch_name_target(err, w->target[i].pid);
		if (w->o.baseline)
			baseline_judge(&w->baseline, r, p);
		r->n_processes++;
	}
	if (w->o.children)
		err = children_fill(w->children, r);
	else
		err = w->children ? children_fill_ended(w->children, r) : 0;
	if (!err && r->tree && w->record.rec)
		recorder_add_tree(w->record.rec, r->tree, now_ns);
	for (size_t i = 0; i < r->n_processes; i++)
		w->has_leak = w->has_leak || (final && r->processes[i].verdict == CLASS_LEAK);
	if (r->tree)
		w->has_leak = w->has_leak || (final && r->tree->merged->verdict == CLASS_LEAK);
	return err;
}

static int print_text(struct watch *w, const struct report *r)
{
	const struct out_term_opts to = outputs_term(w->o.top, w->o.no_color, w->o.verbose);
	int err;

	if (w->on.screen)
		return screen_report(w->on.screen, r);
	if (w->is_stdout_taken || w->is_unread)
		return 0;
	err = out_term(stdout, r, &to);
	if (cli_reader_left(err)) {
		w->is_unread = true;
		return 0;
	}
	return err;
}

int watch_read_baseline(struct watch *w)
{
	FILE *f;
	int err = outputs_read(&w->outputs, w->o.baseline, &f);

	if (err)
		return err;
	err = baseline_read(f, w->o.baseline, &w->baseline);
	if (f)
		fclose(f);
	return err;
}

static int write_baseline(FILE *f, const void *baseline)
{
	return out_baseline(f, baseline);
}

/* Tells departures, as events like those of the rules, and adds the run to the baseline. That is
 * read again before, as runs beside this one may have written it. */
static int learn(struct watch *w, struct report *r)
{
	int err = 0;

	if (!w->o.baseline)
		return 0;
	for (size_t i = 0; i < r->n_processes; i++)
		alerts_tell_departures(&w->alerts, &r->processes[i]);
	baseline_free(&w->baseline);
	err = watch_read_baseline(w);
	for (size_t i = 0; i < r->n_processes && !err; i++)
		err = baseline_learn(&w->baseline, r, &r->processes[i]);
	return err ? err : outputs_write(&w->outputs, w->o.baseline, write_baseline, &w->baseline);
}

/* Shows on a terminal why the final report takes a while; blanks the line when it is there. */
static void show_asking(const struct watch *w, bool on)
{
	static const char text[] = "final report: asking what holds the objects that stay ...";

	if (!w->o.is_quiet && !w->o.verbose && isatty(STDERR_FILENO))
		fprintf(stderr, "%-*s\r", (int)sizeof(text), on ? text : "");
}

void watch_count_children(struct watch *w)
{
	uint64_t now_ns = clock_ns();
	struct report_tree counts;

	if (!w->record.rec || !w->o.children || now_ns < w->counted_ns + COUNT_NS)
		return;
	w->counted_ns = now_ns;
	children_count(w->children, &counts);
	recorder_add_tree(w->record.rec, &counts, now_ns);
}

/* A full disk behind standard output is no reason to lose the files, nor the reverse. */
int watch_report(struct watch *w, bool final)
{
	struct cli_failures failed = {0};
	struct report *r;
	int err;

	err = report_new(&r);
	if (err)
		return err;
	if (final)
		show_asking(w, true);
	err = fill(w, r, final);
	if (final)
		show_asking(w, false);
	cli_note(&failed, err);
	if (!err) {
		/* who reads the rest may stand still, and nothing more is recorded */
		cli_note(&failed, final ? record_end(&w->record, 0) : 0);
		cli_note(&failed, print_text(w, r));
		cli_note(&failed, final ? learn(w, r) : 0);
		cli_note(&failed, final ? outputs_report(&w->outputs, &w->o.files, r) : 0);
	}
	report_free(r);
	return cli_noted(&failed);
}

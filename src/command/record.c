/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/record.h"

#include <math.h>

#include "cli/cli.h"
#include "cli/stop.h"
#include "command/replay_screen.h"
#include "confine/confine.h"
#include "out/out.h"
#include "report/read.h"

int record_begin(struct record *r, const struct outputs *to, const char *path)
{
	int err;

	*r = (struct record){.to = to};
	if (!path)
		return 0;
	err = outputs_begin(to, path, &r->out);
	if (err)
		return err;
	err = recorder_new(r->out.f, path, wall_clock(), &r->rec);
	return err ? outputs_end(to, &r->out, err) : 0;
}

void record_evidence(void *rec, const struct evidence *e)
{
	recorder_add(rec, e);
}

void record_tell(struct record *r)
{
	const char *why = r->rec && !r->has_told ? recorder_trouble(r->rec) : NULL;

	r->has_told |= why != NULL;
	if (why)
		log_line("pyleak-bpf: %s: %s", r->out.path, why);
}

int record_end(struct record *r, int err)
{
	char why[512];
	int record_err, kept;
	bool is_of_use;

	if (!r->rec)
		return 0;
	is_of_use = recorder_has_moment(r->rec) && !r->out.is_special;
	record_err = recorder_end(r->rec);
	r->rec = NULL;
	if (err || !record_err || !is_of_use) {
		record_err = outputs_end(r->to, &r->out, err ? err : record_err);
		return err ? 0 : record_err;
	}
	snprintf(why, sizeof(why), "%s", fail_text());
	kept = outputs_end(r->to, &r->out, 0);
	return kept ? kept : fail(record_err, "%s; what was written before is kept", why);
}

/* ---- Replay. ---- */

/* Moments are some seconds apart, so an --at that is later by less still means the last one. */
#define AT_END_S 10

static int read_saved(const struct watch_opts *o, FILE *to, struct report **out)
{
	enum recording_kind kind;
	int err = recording_kind(o->from, &kind);

	if (err)
		return err;
	switch (kind) {
	case RECORDING_EVIDENCE:
		return recording_read(o->from, o->at_s, to, o->record, out);
	case RECORDING_REPORT:
		if (!isnan(o->at_s) || to)
			return fail(-EINVAL, "%s: %s is a report, not a recording",
				    to ? "--record" : "--at", o->from);
		return report_read(o->from, out);
	case RECORDING_SNAPSHOT:
		return fail(
			-EINVAL,
			"%s is a snapshot of memory: pyleak-bpf census --from %s, or why --from",
			o->from, o->from);
	case RECORDING_NONE:
		break;
	}
	return fail(-EINVAL, "%s is no recording (--record) and no report (--json)", o->from);
}

/* Reads the file; with --record, evidence of the moment that is told goes into a new recording. */
static int read_and_cut(const struct watch_opts *o, const struct outputs *to, struct report **out)
{
	struct output cut;
	int err;

	if (!o->record)
		return read_saved(o, NULL, out);
	err = outputs_begin(to, o->record, &cut);
	return err ? err : outputs_end(to, &cut, read_saved(o, cut.f, out));
}

int cli_replay(const struct watch_opts *o)
{
	struct outputs to;
	struct report *r = NULL;
	bool has_leak = false;
	struct on_screen on;
	int err;

	on_screen_decide(&on, o->tui, 0);
	if (o->tui && !on.is_wanted) {
		fail(-ENOTTY, "--tui needs a terminal that is known (TERM), and to be in the "
			      "foreground");
		return cli_complain(CLI_FAILED);
	}
	if (o->tui)
		stop_install();
	err = outputs_open_saving(&to, &o->files, &o->record, 1, on_screen_stem(&on),
				  o->no_sandbox);
	if (!err)
		err = outputs_spare(&to, &o->from, 1);
	if (!err)
		err = on_screen_begin(&on, &to, o->no_color, o->no_sandbox);
	if (!err)
		err = confine(&(struct confine_opts){.is_off = o->no_sandbox,
						     .kind = FILTER_READS,
						     .only_files = true,
						     .paints = on.is_wanted});
	if (!err)
		err = read_and_cut(o, &to, &r);
	if (!err)
		err = on_screen_open(&on);
	if (!err && on.screen)
		err = replay_on_screen(&on, o->from, o->at_s, &r);
	on_screen_end(&on);
	if (r && !err && !o->is_quiet && o->at_s > r->duration_s + AT_END_S)
		log_line("%s: the last moment before %.0f s is that of %.0f s", o->from, o->at_s,
			 r->duration_s);
	if (!err)
		/* no text is printed if a file was asked for */
		err = outputs_print(&to, &o->files, outputs_any(&o->files) ? NULL : out_term,
				    outputs_term(o->top, o->no_color, o->verbose), r);
	for (size_t i = 0; r && i < r->n_processes; i++)
		has_leak |= r->processes[i].verdict == CLASS_LEAK;
	has_leak |= r && r->tree && r->tree->merged->verdict == CLASS_LEAK;
	if (r)
		report_free(r);
	outputs_close(&to);
	if (err)
		return cli_complain(CLI_FAILED);
	return o->fail_on && has_leak ? CLI_LEAK : CLI_DONE;
}

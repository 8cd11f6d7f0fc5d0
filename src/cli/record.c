/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/record.h"

#include <math.h>

#include "cli/cli.h"
#include "cli/confine.h"
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
	err = recorder_new(r->out.f, cli_wall_clock(), &r->rec);
	return err ? outputs_end(to, &r->out, err) : 0;
}

void record_evidence(void *rec, const struct evidence *e)
{
	recorder_add(rec, e);
}

int record_end(struct record *r)
{
	int err;

	if (!r->rec)
		return 0;
	err = recorder_end(r->rec);
	r->rec = NULL;
	return outputs_end(r->to, &r->out, err);
}

/* ---- The way back. ---- */

static int read_saved(const struct watch_opts *o, struct report **out)
{
	enum recording_kind kind;
	int err = recording_kind(o->from, &kind);

	if (err)
		return err;
	switch (kind) {
	case RECORDING_EVIDENCE:
		return recording_read(o->from, o->at_s, out);
	case RECORDING_REPORT:
		if (!isnan(o->at_s))
			return fail(-EINVAL, "--at: %s is the report of one moment", o->from);
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

static int print(const struct watch_opts *o, const struct outputs *to, const struct report *r)
{
	const struct out_term_opts how = {
		.top = o->top,
		.color = out_want_color(stdout, o->no_color),
		.verbose = o->verbose > 0,
		.width = out_width(stdout),
	};
	int err = o->json ? outputs_json(to, o->json, r) : 0;

	if (!err && !(o->json && !strcmp(o->json, "-")))
		err = out_term(stdout, r, &how);
	return cli_reader_left(err) ? 0 : err;
}

int cli_replay(const struct watch_opts *o)
{
	struct outputs to;
	struct report *r = NULL;
	bool has_leak = false;
	int err = outputs_open(&to, &o->json, 1, o->no_sandbox);

	if (!err)
		err = confine(&(struct confine_opts){
			.is_off = o->no_sandbox, .kind = FILTER_READS, .only_files = true});
	if (!err)
		err = read_saved(o, &r);
	if (!err)
		err = print(o, &to, r);
	for (size_t i = 0; r && i < r->n_processes; i++)
		has_leak |= r->processes[i].verdict == CLASS_LEAK;
	if (r)
		report_free(r);
	outputs_close(&to);
	if (err)
		return cli_complain(CLI_FAILED);
	return o->fail_on && has_leak ? CLI_LEAK : CLI_DONE;
}

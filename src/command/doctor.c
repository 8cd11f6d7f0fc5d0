/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `doctor`: tells what this kernel, this user and this process allow, by trying it. */
#include <stdarg.h>
#include <stdio.h>

#include "base/thread.h"
#include "cli/cli.h"
#include "command/command.h"
#include "command/doctor_priv.h"
#include "cli/opts.h"
#include "confine/confine.h"
#include "out/json_writer.h"
#include "out/line.h"
#include "out/out.h"

#define WHAT_WIDTH 18

struct doctor_opts {
	struct opt_pids pids;
	bool want_json, no_color, no_sandbox, want_help;
	int verbose;
};

#define ROW(field) offsetof(struct doctor_opts, field)

static const struct opt table[] = {
	{'p', OPT_PIDS, "pid", "PID", ROW(pids), "look at this process too", 0, 0, NULL},
	{0, OPT_FLAG, "json", NULL, ROW(want_json), "print the rows as JSON", 0, 0, NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what is tried, on standard error", 0, 0,
	 NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf doctor [-p PID] [options]\n"
	      "\n"
	      "Tells what this kernel and this user allow: the ways to place a probe are tried on\n"
	      "the tool itself. With -p the process is looked at: its Python, its build, where "
	      "its\n"
	      "objects are born, its limits. Nothing of its arguments or environment is shown.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Exit status: 0 it can be watched, 1 something stands in the way (the rows that say\n"
	      "'no', each with its remedy), 2 bad usage.\n",
	      stdout);
}

static char *text_of(struct doctor *d, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) >= 0)
		return text;
	d->out_of_memory = true;
	return NULL;
}

void doctor_add(struct doctor *d, enum doctor_state state, const char *what, const char *fmt, ...)
{
	struct doctor_row *row = vec_push(&d->row);
	va_list ap;

	if (!row) {
		d->out_of_memory = true;
		return;
	}
	row->state = state;
	row->what = what;
	va_start(ap, fmt);
	row->found = text_of(d, fmt, ap);
	va_end(ap);
}

void doctor_remedy(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	if (!d->row.n || d->row.v[d->row.n - 1].remedy)
		return;
	va_start(ap, fmt);
	d->row.v[d->row.n - 1].remedy = text_of(d, fmt, ap);
	va_end(ap);
}

static const char *const state_word[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_NO] = "no"};
static const enum style state_style[] = {
	[DOCTOR_OK] = STYLE_GREEN, [DOCTOR_NOTE] = STYLE_YELLOW, [DOCTOR_NO] = STYLE_RED};

static void print_row(struct line *l, const struct doctor_row *r)
{
	line_style(l, state_style[r->state]);
	line_printf(l, "%-5s", state_word[r->state]);
	line_style(l, STYLE_PLAIN);
	line_printf(l, " %-*s ", WHAT_WIDTH, r->what);
	line_words(l, r->found ? r->found : "?");
	line_end(l);
	if (!r->remedy)
		return;
	line_printf(l, "      %-*s ", WHAT_WIDTH, "");
	line_words(l, r->remedy);
	line_end(l);
}

void doctor_tell(struct doctor *d)
{
	struct line l;

	if (d->want_json || d->write_err)
		return;
	line_init(&l, stdout, out_width(stdout), out_want_color(stdout, d->no_color));
	while (d->told < d->row.n)
		print_row(&l, &d->row.v[d->told++]);
	d->write_err = -l.err;
	line_fini(&l);
	if (fflush(stdout) != 0 && !d->write_err)
		d->write_err = -errno;
}

static int print_json(const struct doctor *d, bool can)
{
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL, false);
	json_string(&j, "schema", "pyleak-bpf/doctor/1");
	json_bool(&j, "can_watch", can);
	json_array(&j, "rows", false);
	for (size_t i = 0; i < d->row.n; i++) {
		const struct doctor_row *r = &d->row.v[i];

		json_object(&j, NULL, true);
		json_string(&j, "state", state_word[r->state]);
		json_string(&j, "what", r->what);
		json_string(&j, "found", r->found);
		json_string(&j, "remedy", r->remedy);
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	return json_end(&j);
}

static void free_rows(struct doctor *d)
{
	for (size_t i = 0; i < d->row.n; i++) {
		free(d->row.v[i].found);
		free(d->row.v[i].remedy);
	}
	vec_free(&d->row);
}

/* Gives up rights as the other commands do, before the first look at a process. */
static void sandbox(struct doctor *d)
{
	if (confine(&(struct confine_opts){.kind = FILTER_READS})) {
		doctor_add(d, DOCTOR_NO, "sandbox", "%s", fail_text());
		doctor_remedy(d, "--no-sandbox runs without");
	} else {
		doctor_add(d, DOCTOR_OK, "sandbox", "rights dropped, system calls filtered");
	}
}

static int parse(int argc, char **argv, struct doctor_opts *o)
{
	int first, err = opts_parse_words(table, argc, argv, o, &first);

	for (int i = first; !err && i < argc; i++)
		err = strspn(argv[i], "0123456789") == strlen(argv[i])
			      ? opts_pid_words(&argv[i], 1, OPTS_MAX_PIDS, NULL, &o->pids)
			      : opts_unexpected(argv[i], "a process is looked at by -p PID");
	if (!err && o->pids.name)
		err = fail(-EINVAL, "-p %s: doctor wants the number of the process", o->pids.name);
	return err;
}

int command_doctor(int argc, char **argv)
{
	struct doctor_opts o = {0};
	struct doctor d = {0};
	bool can = true;
	int err = 0;

	if (parse(argc, argv, &o) != 0)
		return cli_complain(CLI_USAGE);
	if (o.want_help) {
		help();
		return CLI_DONE;
	}
	log_set_level((enum log_level)o.verbose);
	d.want_json = o.want_json;
	d.no_color = o.no_color;
	if (cli_host_join())
		return cli_complain(CLI_FAILED);
	thread_calm();
	doctor_host(&d);
	if (!o.no_sandbox)
		sandbox(&d);
	for (size_t i = 0; i < o.pids.n; i++)
		doctor_target(&d, o.pids.v[i]);
	for (size_t i = 0; i < d.row.n; i++)
		can = can && d.row.v[i].state != DOCTOR_NO;
	doctor_tell(&d);
	if (d.want_json && !d.out_of_memory)
		d.write_err = print_json(&d, can);
	if (d.out_of_memory)
		err = fail(-ENOMEM, "out of memory");
	else if (d.write_err)
		err = fail(d.write_err, "standard output cannot be written: %s",
			   strerror(-d.write_err));
	free_rows(&d);
	if (err)
		return cli_complain(CLI_FAILED);
	return can ? CLI_DONE : CLI_FAILED;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes folded stacks, as flamegraph.pl and its like read them: a line for each site, with its
 * frames from the outermost to the innermost, ';' between them, and the bytes that stay. */
#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"
#include "out/folded.h"
#include "out/out.h"

void folded_text(FILE *f, const char *s)
{
	while (*s) {
		char form[UTF8_FORM];
		uint32_t c;
		size_t n = utf8_form(s, form, &c);

		if (c == ';')
			fputs("\\x3b", f);
		else
			fputs(form, f);
		s += n;
	}
}

static void put_frame(FILE *f, const struct report_frame *at)
{
	if (at->function)
		folded_text(f, at->function);
	else
		fprintf(f, "+0x%" PRIx64, at->offset);
	if (at->native ? at->module != NULL : at->file != NULL) {
		fputs(" (", f);
		folded_text(f, at->native ? at->module : at->file);
		if (!at->native && at->line)
			fprintf(f, ":%d", at->line);
		fputc(')', f);
	}
}

void folded_stack(FILE *f, const struct report_site *s)
{
	fputs(report_kind_name(s->kind), f);
	if (s->truncated)
		fputs(";...", f);
	for (size_t i = s->n_frames; i-- > 0;) {
		fputc(';', f);
		put_frame(f, &s->stack[i]);
	}
}

static void put_site(FILE *f, const struct report_process *p, const struct report_site *s)
{
	if (!(s->outstanding_bytes >= 0.5) || !isfinite(s->outstanding_bytes))
		return;
	folded_text(f, p->comm ? p->comm : "?");
	if (p->pid)
		fprintf(f, " %d", p->pid);
	fputc(';', f);
	folded_stack(f, s);
	fprintf(f, " %.0f\n", s->outstanding_bytes);
}

int out_folded(FILE *f, const struct report *r)
{
	for (size_t i = 0; i < r->n_processes; i++)
		for (size_t k = 0; k < r->processes[i].n_sites; k++)
			put_site(f, &r->processes[i], &r->processes[i].sites[k]);
	return fflush(f) || ferror(f) ? -(errno ? errno : EIO) : 0;
}

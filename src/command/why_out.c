/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the answer of `why` as text, JSON and a graph. */
#include <inttypes.h>

#include "base/utf8.h"
#include "command/why_priv.h"
#include "out/json_writer.h"
#include "out/line.h"
#include "out/out.h"

static const char *remark(const struct why_question *q, const struct why_path *p,
			  const struct why_stats *s)
{
	if (q->is_copied && (p->root == WHY_NOBODY || (p->root == WHY_CYCLE && p->uncollectable)))
		return "nothing else was saved that points to it: a reference was taken and never "
		       "given back (C code, ctypes), or what holds it changed while the process "
		       "was saved";
	if (p->root == WHY_NOBODY)
		return "nothing that is alive points to it: a reference was taken and never given "
		       "back (C code, ctypes)";
	if (p->root != WHY_CYCLE)
		return NULL;
	if (p->uncollectable)
		return "the collector cannot free the cycle: it cannot look into one of the "
		       "objects, "
		       "or C code took a reference too many";
	if (p->frozen)
		return "gc.freeze() has put it out of the collector's reach";
	if (s->gc_known && !s->gc_enabled)
		return "only itself holds it, and gc is disabled";
	if (p->through_c)
		return "only itself holds it, by way of memory of C code: a full collection frees "
		       "it where the collector can look into that";
	return "only itself holds it; a full collection may free it";
}

static int flushed(FILE *f)
{
	errno = 0;
	if (!fflush(f) && !ferror(f))
		return 0;
	return errno ? -errno : -EIO;
}

static void put_paths(struct line *l, const struct why_question *q, const struct why_answer *a,
		      const struct why_stats *s)
{
	for (size_t i = 0; i < a->n; i++) {
		const char *say = remark(q, &a->path[i], s);

		line_printf(l, "%4.0f %%  ", 100 * a->path[i].share);
		line_words(l, a->path[i].text);
		line_end(l);
		if (say)
			line_put(l, "        %s", say);
	}
}

static void put_rest(struct line *l, const struct why_answer *a, const struct why_stats *s)
{
	bool is_unsearched = s->unsearched && a->other_share + a->unknown_share > 0.005;

	if (a->other_share > 0.005)
		line_put(l, "%4.0f %%  on other paths", 100 * a->other_share);
	if (a->unknown_share > 0.005)
		line_put(l, "%4.0f %%  not known%s", 100 * a->unknown_share,
			 s->unsearched || s->pages_swapped
				 ? ""
				 : ": what holds them changed while it was read, or is memory "
				   "of C code that nothing points to");
	if (s->pages_swapped)
		line_put(l, "part of the process is swapped out and was not read: what holds the "
			    "rest may be there; --swapped reads it, which brings it back into "
			    "memory");
	if (is_unsearched)
		line_put(l, "not all memory of C code was searched (another malloc than glibc's, "
			    "or too much): what holds the rest may be there");
}

int why_print(FILE *f, const struct why_question *q, const struct why_answer *a,
	      const struct why_stats *s)
{
	char count[32], gone[32];
	struct line l;
	int err;

	line_init(&l, f, 0, false);
	line_text(&l, q->what);
	line_text(&l, " in ");
	line_text(&l, q->where);
	line_printf(&l, ": %s object%s", fmt_count(count, sizeof(count), (double)a->targets),
		    a->targets == 1 ? "" : "s");
	if (a->gone)
		line_printf(&l, ", %s gone meanwhile",
			    fmt_count(gone, sizeof(gone), (double)a->gone));
	line_end(&l);
	put_paths(&l, q, a, s);
	put_rest(&l, a, s);
	err = l.err;
	line_fini(&l);
	return err ? -err : flushed(f);
}

static void write_step(struct json *j, const struct why_step *s)
{
	static const char *const edge[] = {
		"root", "attribute", "value", "key", "item", "variable", "cell", "default", "field",
	};
	char addr[24];

	snprintf(addr, sizeof(addr), "0x%" PRIx64, s->addr);
	json_object(j, NULL, true);
	json_string(j, "edge", edge[s->edge]);
	json_string(j, "name", s->label);
	json_string(j, "type", s->type);
	json_string(j, "address", addr);
	json_unsigned(j, "entries", s->entries);
	json_unsigned(j, "bound", s->bound);
	json_number(j, "growth_per_s", s->growth);
	json_bool(j, "repeats", s->repeats);
	json_close(j);
}

/* All that is written, for one pointer. */
struct all {
	const struct why_question *q;
	const struct why_answer *a;
	const struct why_stats *s;
};

static int write_json(FILE *f, const void *ctx)
{
	const struct all *all = ctx;
	const struct why_question *q = all->q;
	const struct why_answer *a = all->a;
	const struct why_stats *s = all->s;
	struct json j;

	json_begin(&j, f);
	json_object(&j, NULL, false);
	json_string(&j, "schema", "pyleak-bpf/why/1");
	if (q->pid)
		json_integer(&j, "pid", q->pid);
	else
		json_null(&j, "pid");
	json_string(&j, "python", q->python);
	json_string(&j, "what", q->what);
	json_unsigned(&j, "objects", a->targets);
	json_unsigned(&j, "sampled", a->sampled);
	json_unsigned(&j, "gone", a->gone);
	json_array(&j, "paths", false);
	for (size_t i = 0; i < a->n; i++) {
		const struct why_path *p = &a->path[i];

		json_object(&j, NULL, false);
		json_string(&j, "path", p->text);
		json_string(&j, "root", why_root_name(p->root));
		json_number(&j, "share", p->share);
		json_unsigned(&j, "count", p->count);
		json_string(&j, "remark", remark(q, p, s));
		json_array(&j, "steps", false);
		for (size_t k = 0; k < p->n; k++)
			write_step(&j, &p->step[k]);
		json_close(&j);
		json_close(&j);
	}
	json_close(&j);
	json_number(&j, "other_share", a->other_share);
	json_number(&j, "unknown_share", a->unknown_share);
	json_object(&j, "read", true);
	json_unsigned(&j, "blocks", s->blocks);
	json_unsigned(&j, "references", s->references);
	json_unsigned(&j, "roots", s->roots);
	json_unsigned(&j, "torn", s->torn);
	json_unsigned(&j, "unreadable", s->unreadable);
	json_unsigned(&j, "pages_swapped", s->pages_swapped);
	json_number(&j, "seconds", (double)s->ns / 1e9);
	json_close(&j);
	if (s->gc_known)
		json_bool(&j, "gc_enabled", s->gc_enabled);
	else
		json_null(&j, "gc_enabled");
	json_close(&j);
	return json_end(&j);
}

static void dot_text(FILE *f, const char *s)
{
	char form[UTF8_FORM];
	uint32_t c;

	for (size_t n; s && (n = utf8_form(s, form, &c)) > 0; s += n)
		for (const char *b = form; *b; b++)
			fprintf(f, *b == '"' || *b == '\\' ? "\\%c" : "%c", *b);
}

static int write_dot(FILE *f, const void *ctx)
{
	static const char *const of[] = {"",	   ".",	    "[key]",   "key", "[i]",
					 "local ", "cell ", "default", ""};
	const struct all *all = ctx;
	const struct why_question *q = all->q;
	const struct why_answer *a = all->a;

	fputs("digraph why {\n\trankdir=LR;\n\tnode [shape=box, "
	      "fontname=\"monospace\"];\n\tlabel=\"",
	      f);
	dot_text(f, q->what);
	fputs(" in ", f);
	dot_text(f, q->where);
	fputs("\";\n", f);
	for (size_t i = 0; i < a->n; i++) {
		const struct why_path *p = &a->path[i];

		for (size_t k = 0; k < p->n; k++) {
			const struct why_step *s = &p->step[k];

			fprintf(f, "\t\"%" PRIx64 "\" [label=\"", s->addr);
			if (s->edge == WHY_ROOT) {
				dot_text(f, s->label);
				fputs("\\n", f);
			}
			dot_text(f, s->type);
			if (s->entries != WHY_UNKNOWN)
				fprintf(f, "\\n%" PRIu64 " entries", s->entries);
			fputs("\"];\n", f);
			if (!k)
				continue;
			fprintf(f, "\t\"%" PRIx64 "\" -> \"%" PRIx64 "\" [label=\"%s",
				p->step[k - 1].addr, s->addr, of[s->edge]);
			dot_text(f, s->label);
			fputs("\"];\n", f);
		}
		if (p->n)
			fprintf(f,
				"\t\"share%zu\" [shape=plaintext, label=\"%.0f %% of %" PRIu64
				"\"];\n\t\"%" PRIx64 "\" -> \"share%zu\" [style=dotted];\n",
				i, 100 * p->share, a->targets, p->step[p->n - 1].addr, i);
	}
	fputs("}\n", f);
	return flushed(f);
}

int why_write_files(const struct outputs *o, const char *json, const char *dot,
		    const struct why_question *q, const struct why_answer *a,
		    const struct why_stats *s)
{
	const struct all all = {q, a, s};
	const struct outputs_result results[] = {{json, write_json, &all}, {dot, write_dot, &all}};

	return outputs_write_all(o, results, ARRAY_SIZE(results));
}

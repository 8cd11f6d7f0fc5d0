/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells of a type that grows while no line stands out: a census counts all objects, windows see a
 * part of the births. */
#include <math.h>
#include <stdlib.h>

#include "base/thresholds.h"
#include "verdict/verdict.h"

#define PATHS 5 /* paths that `why` shows: of more, those of most objects, not of the biggest */

/* Has a type risen from the first census to the last, by @fewest or more, in a straight line, and
 * by at least the part @late of that in the second half? */
static bool rises(const struct report_class_row *row, double span_s, double fewest, double late)
{
	double straight = row->growth_count_per_s * span_s;

	return row->gain >= fewest && row->late >= late && row->gain >= TYPE_STRAIGHT * straight &&
	       straight >= TYPE_STRAIGHT * row->gain;
}

/* Do objects of a type get bigger? Their bytes grow faster than their number, which does not rise:
 * a few big ones that keep coming beside many small ones do not count. */
static bool gets_bigger(const struct report_class_row *row, double span_s)
{
	double count = (double)row->count, mean = count > 0 ? (double)row->bytes / count : 0;
	double by_number = fmax(row->growth_count_per_s, 0) * mean;

	return fabs(row->growth_count_per_s) * span_s < TYPE_FEWEST &&
	       row->growth_bytes_per_s >= TYPE_OUTGROWS * by_number &&
	       !rises(row, span_s, CENSUS_NOISE * count, TYPE_LATE);
}

/* Is this the name of a type, and (unless @plain) of one that says something? Buffers without an
 * object, and what has no name, are no types. */
static bool says_something(const char *name, bool plain)
{
	static const char *const usual[] = {"dict",	"list",
					    "tuple",	"set",
					    "str",	"int",
					    "float",	"bytes",
					    "cell",	"frozenset",
					    "function", "bytearray",
					    "frame",	"weakref.ReferenceType",
					    "method"};

	for (size_t i = 0; i < ARRAY_SIZE(usual) && !plain; i++)
		if (!strcmp(name, usual[i]))
			return false;
	return *name != '<' && *name != '(';
}

static double count_of(const struct report_site *s)
{
	return s->growth_count_per_s;
}

static double bytes_of(const struct report_site *s)
{
	return s->kind == KIND_OBJECT ? s->growth_bytes_per_s : 0;
}

/* Sum, over sites, of the share that is of type @name; @per_s: by number or by bytes. */
static double by_lines(const struct report_process *p, const char *name,
		       double (*per_s)(const struct report_site *))
{
	double sum = 0;

	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; k < p->sites[i].n_types; k++)
			if (!strcmp(p->sites[i].types[k].name, name))
				sum += p->sites[i].types[k].share * fmax(per_s(&p->sites[i]), 0);
	return sum;
}

/* Do lines make enough objects of this type to explain its growth? Then it needs no telling. */
static bool has_line(const struct report_process *p, const struct report_class_row *row)
{
	return by_lines(p, row->name, count_of) >= TYPE_HAS_LINE * row->growth_count_per_s;
}

/* Do lines make objects of this type that bring most of its bytes? Then more objects come, and they
 * do not get bigger. */
static bool comes_by_lines(const struct report_process *p, const struct report_class_row *row)
{
	return by_lines(p, row->name, bytes_of) >= PROCESS_MOST * row->growth_bytes_per_s;
}

/* Suggests a command that says what holds them. Root will copy it: nothing is suggested for a name
 * with a quote, by which a class could end the argument. */
static const char *who_holds(struct report *r, const struct report_process *p, const char *name)
{
	if (p->exited || strchr(name, '\''))
		return "";
	return report_printf(r, " (pyleak-bpf why -p %d --type '%s' says what holds them)", p->pid,
			     name);
}

const char *verdict_bigger(struct report *r, const struct report_process *p, double bytes_per_s)
{
	double span_s = p->counted_to_s - p->counted_from_s;
	char rate[32];

	for (size_t i = 0; span_s >= TYPE_S && i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];

		if (row->name && says_something(row->name, true) &&
		    row->growth_bytes_per_s >= TYPE_BIGGER * bytes_per_s &&
		    row->growth_bytes_per_s * span_s >= LEAK_BYTES && gets_bigger(row, span_s) &&
		    !comes_by_lines(p, row))
			return report_printf(r, "%s objects get bigger by %s/s%s", row->name,
					     fmt_bytes(rate, sizeof(rate), row->growth_bytes_per_s),
					     row->count <= PATHS ? who_holds(r, p, row->name) : "");
	}
	return NULL;
}

static bool rises_by_name(const struct report_class_row *row, double span_s)
{
	return rises(row, span_s, TYPE_FEWEST, TYPE_LATE);
}

static bool rises_plainly(const struct report_class_row *row, double span_s)
{
	return rises(row, span_s, TYPE_FEWEST, TYPE_LATE_PLAIN);
}

/* The same as rises_by_name(), but two censuses, which show no course, are enough. */
static bool may_rise(const struct report_class_row *row, double span_s)
{
	return row->growth_count_per_s * span_s >= TYPE_FEWEST &&
	       (isnan(row->gain) || isnan(row->late) || rises_by_name(row, span_s));
}

/* The sentence on the type that grows most, of those that @rise by @least bytes a second or more
 * and that lines do not explain; NULL: none. */
static const char *grows_most(struct report *r, const struct report_process *p, bool plain,
			      double least,
			      bool (*rise)(const struct report_class_row *row, double span_s))
{
	double span_s = p->counted_to_s - p->counted_from_s;
	const struct report_class_row *most = NULL;
	char n[32];

	for (size_t i = 0; span_s >= TYPE_S && i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];

		if (row->name && says_something(row->name, plain) && rise(row, span_s) &&
		    row->growth_bytes_per_s >= least && !has_line(p, row) &&
		    (!most || row->growth_bytes_per_s > most->growth_bytes_per_s))
			most = row;
	}
	if (!most)
		return NULL;
	return report_printf(r, "%s objects grow by %s/s%s", most->name,
			     fmt_count(n, sizeof(n), most->growth_count_per_s),
			     who_holds(r, p, most->name));
}

const char *verdict_type(struct report *r, const struct report_process *p, bool plain)
{
	return grows_most(r, p, plain, LEAK_BYTES / (p->counted_to_s - p->counted_from_s),
			  plain ? rises_plainly : rises_by_name);
}

const char *verdict_rest_type(struct report *r, const struct report_process *p, double bytes_per_s)
{
	return grows_most(r, p, false, TYPE_BIGGER * bytes_per_s, may_rise);
}

/* The size of blocks that the census lists as belonging to no object ("<buffer N..."); 0: the row
 * is a type. */
static unsigned long raw_size(const struct report_class_row *row)
{
	static const char head[] = "<buffer ";

	return row->name && !strncmp(row->name, head, strlen(head))
		       ? strtoul(row->name + strlen(head), NULL, 10)
		       : 0;
}

const char *verdict_raw(struct report *r, const struct report_process *p, double bytes_per_s)
{
	double span_s = p->counted_to_s - p->counted_from_s, bytes = 0, blocks = 0;
	const struct report_class_row *most = NULL;
	const char *of = "";
	char n[32];

	if (!p->allocator || strcmp(p->allocator, "pymalloc") != 0)
		return NULL;
	for (size_t i = 0; span_s >= TYPE_S && i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];

		if (!raw_size(row) || !rises_by_name(row, span_s))
			continue;
		bytes += row->growth_bytes_per_s;
		blocks += row->growth_count_per_s;
		if (!most || row->growth_bytes_per_s > most->growth_bytes_per_s)
			most = row;
	}
	if (!most || bytes < TYPE_BIGGER * bytes_per_s)
		return NULL;
	if (most->growth_bytes_per_s >= PROCESS_MOST * bytes)
		of = report_printf(r, ", most of them of %lu bytes,", raw_size(most));
	return report_printf(
		r,
		"%s blocks/s%s are in no object that is known: C code seems to take them by itself "
		"(PyObject_Malloc, PyMem_Malloc), and no line is told of those, unless "
		"the program was started with PYTHONMALLOC=malloc",
		fmt_count(n, sizeof(n), blocks), of);
}

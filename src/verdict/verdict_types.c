/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A type that grows, while no line stands out: a census counts all objects, where windows see a
 * part of the births. */
#include <math.h>

#include "base/thresholds.h"
#include "verdict/verdict.h"

/* It has risen from the first census to the last, by @fewest or more, and of late (that part of it)
 * as before. */
static bool rises(const struct report_class_row *row, double span_s, double fewest, double late)
{
	double straight = row->growth_count_per_s * span_s;

	return row->gain >= fewest && row->late >= late && row->gain >= TYPE_STRAIGHT * straight &&
	       straight >= TYPE_STRAIGHT * row->gain;
}

/* Their bytes outgrow their number, which does not rise: few of them come, and a few big ones that
 * keep coming beside many small ones are no objects that get bigger. */
static bool gets_bigger(const struct report_class_row *row, double span_s)
{
	double count = (double)row->count, mean = count > 0 ? (double)row->bytes / count : 0;
	double by_number = fmax(row->growth_count_per_s, 0) * mean;

	return fabs(row->growth_count_per_s) * span_s < TYPE_FEWEST &&
	       row->growth_bytes_per_s >= TYPE_OUTGROWS * by_number &&
	       !rises(row, span_s, CENSUS_NOISE * count, TYPE_LATE);
}

/* Buffers that no object accounts for and what has no name are no types, and plain ones say
 * nothing beside others. */
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

/* A line that brings a few of them does not tell where the others come from. */
static bool has_line(const struct report_process *p, const struct report_class_row *row)
{
	double count_per_s = 0;

	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; k < p->sites[i].n_types; k++)
			if (!strcmp(p->sites[i].types[k].name, row->name) &&
			    p->sites[i].growth_count_per_s > 0)
				count_per_s +=
					p->sites[i].types[k].share * p->sites[i].growth_count_per_s;
	return count_per_s >= TYPE_HAS_LINE * row->growth_count_per_s;
}

static const char *who_holds(struct report *r, const struct report_process *p, const char *name)
{
	if (p->exited)
		return "";
	return report_printf(r, " (pyleak-bpf why -p %d --type '%s' says what holds them)", p->pid,
			     name);
}

/* Lines that make objects of it bring so much of what it grows by: there are more of them. */
static bool comes_by_lines(const struct report_process *p, const struct report_class_row *row)
{
	double bytes_per_s = 0;

	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; p->sites[i].kind == KIND_OBJECT && k < p->sites[i].n_types; k++)
			if (!strcmp(p->sites[i].types[k].name, row->name))
				bytes_per_s += p->sites[i].types[k].share *
					       fmax(p->sites[i].growth_bytes_per_s, 0);
	return bytes_per_s >= PROCESS_MOST * row->growth_bytes_per_s;
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
					     who_holds(r, p, row->name));
	}
	return NULL;
}

static const char *grows(struct report *r, const struct report_process *p,
			 const struct report_class_row *row)
{
	char n[32];

	return report_printf(r, "%s objects grow by %s/s%s", row->name,
			     fmt_count(n, sizeof(n), row->growth_count_per_s),
			     who_holds(r, p, row->name));
}

const char *verdict_type(struct report *r, const struct report_process *p, bool plain)
{
	double span_s = p->counted_to_s - p->counted_from_s;
	const struct report_class_row *most = NULL;

	for (size_t i = 0; span_s >= TYPE_S && i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];

		if (row->name && says_something(row->name, plain) &&
		    rises(row, span_s, TYPE_FEWEST, plain ? TYPE_LATE_PLAIN : TYPE_LATE) &&
		    row->growth_bytes_per_s * span_s >= LEAK_BYTES && !has_line(p, row) &&
		    (!most || row->growth_bytes_per_s > most->growth_bytes_per_s))
			most = row;
	}
	return most ? grows(r, p, most) : NULL;
}

/* As far as that can be told: two censuses show no course. */
static bool may_rise(const struct report_class_row *row, double span_s)
{
	return isnan(row->gain) || isnan(row->late) || rises(row, span_s, TYPE_FEWEST, TYPE_LATE);
}

const char *verdict_rest_type(struct report *r, const struct report_process *p, double bytes_per_s)
{
	double span_s = p->counted_to_s - p->counted_from_s;
	const struct report_class_row *most = NULL;

	for (size_t i = 0; span_s >= TYPE_S && i < p->n_classes; i++) {
		const struct report_class_row *row = &p->classes[i];

		if (row->name && says_something(row->name, false) &&
		    row->growth_count_per_s * span_s >= TYPE_FEWEST &&
		    row->growth_bytes_per_s >= TYPE_BIGGER * bytes_per_s && may_rise(row, span_s) &&
		    !has_line(p, row) &&
		    (!most || row->growth_bytes_per_s > most->growth_bytes_per_s))
			most = row;
	}
	return most ? grows(r, p, most) : NULL;
}

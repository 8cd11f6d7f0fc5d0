/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is the set of birth sites complete? One site that is missed makes objects look born elsewhere, so
 * every doubt is a refusal. Three independent looks: what only the slow path has, what only a new
 * object has, and the tests themselves. */
#include "probe/births_priv.h"

static bool is_accepted(const struct probe_points *accepted, uint64_t place)
{
	size_t lo = 0, hi = accepted->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (accepted->v[mid].addr == place)
			return true;
		if (accepted->v[mid].addr < place)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void cover(struct births_hits *h, uint64_t addr)
{
	size_t lo = 0, hi = h->refs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->refs.v[mid].addr == addr) {
			h->refs.v[mid].covered = true;
			return;
		}
		if (h->refs.v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
}

/* PyRefTracer_GetTracer and what looks like it: the data is read and stored, then the function
 * returns; nobody is called with it. */
static bool is_getter(const struct births_finder *f, uint64_t at)
{
	for (int i = 0; i < 8; i++) {
		struct births_insn in;

		if (!births_decode(f, at, &in))
			return false;
		switch (in.i.meta.category) {
		case ZYDIS_CATEGORY_RET:
			return true;
		case ZYDIS_CATEGORY_CALL:
		case ZYDIS_CATEGORY_UNCOND_BR:
		case ZYDIS_CATEGORY_COND_BR:
			return false;
		default:
			at += in.i.length;
		}
	}
	return false;
}

/* Everything that refers to the slow path belongs to an accepted site, or to a death. */
static int check_refs(const struct births_finder *f, const struct births_tests *tests,
		      struct births_hits *h, const struct probe_points *accepted,
		      struct probe_births_report *report)
{
	for (size_t i = 0; i < tests->v.n; i++) {
		const struct births_test *t = &tests->v.v[i];

		if (t->verdict == BIRTHS_BIRTH && !is_accepted(accepted, t->place))
			continue;
		for (size_t k = 0; k < t->n_refs; k++)
			cover(h, t->refs[k]);
	}
	report->slow_refs = h->refs.n;
	for (size_t i = 0; i < h->refs.n; i++) {
		struct births_ref *r = &h->refs.v[i];

		if (r->covered || (f->tracer && is_getter(f, r->addr)))
			continue;
		log_debug("%s: reference to the slow path at %#llx belongs to no birth site",
			  dso_path(f->d), (unsigned long long)r->addr);
		report->uncovered++;
	}
	if (report->uncovered)
		return fail(
			-ENOTSUP,
			"%s: %zu of %zu references to tracemalloc's slow path belong to no known "
			"birth site",
			dso_path(f->d), report->uncovered, report->slow_refs);
	return 0;
}

/* Whoever stores the first reference of a new object beside a test of the word makes an object; and
 * whoever calls the slow path with one as well. Shared slow blocks hide a missing site from
 * check_refs, but not from this. */
static int check_tests(const struct births_finder *f, const struct births_tests *tests,
		       const struct probe_points *accepted)
{
	for (size_t i = 0; i < tests->v.n; i++) {
		const struct births_test *t = &tests->v.v[i];

		if (!t->place || is_accepted(accepted, t->place))
			continue;
		if (t->verdict == BIRTHS_BIRTH)
			return fail(-ENOTSUP,
				    "%s: an object is born at %#llx, which is not among "
				    "the sites",
				    dso_path(f->d), (unsigned long long)t->place);
		if (t->witness && t->verdict != BIRTHS_DEATH)
			return fail(-ENOTSUP,
				    "%s: the code at %#llx makes an object in a way that is not "
				    "understood",
				    dso_path(f->d), (unsigned long long)t->place);
	}
	return 0;
}

int births_check_complete(const struct births_finder *f, const struct births_tests *tests,
			  struct births_hits *hits, const struct probe_points *accepted,
			  struct probe_births_report *report)
{
	int err = check_refs(f, tests, hits, accepted, report);

	return err ? err : check_tests(f, tests, accepted);
}

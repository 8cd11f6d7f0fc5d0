/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks that the set of birth sites is complete. A missed site makes objects look born elsewhere,
 * so every doubt is a refusal. The checks are independent: of reads of the word, of references that
 * only the slow path has, of code that only a new object has, of jumps to the code that births go
 * to. */
#include "places/births_priv.h"

static bool is_accepted(const struct places *accepted, uint64_t place)
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

/* Is it PyRefTracer_GetTracer or the like, which reads the tracer's data and returns, without a
 * call or a jump in between? */
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

/* Checks that everything that refers to the slow path belongs to an accepted site, or to a test
 * that is no birth. */
static int check_refs(const struct births_finder *f, const struct births_tests *tests,
		      struct births_hits *h, const struct places *accepted,
		      struct places_births_report *report)
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

/* Checks that each test is an accepted site if the slow path is called after it, or if the first
 * reference of a new object is stored beside it. Where births share their slow blocks, check_refs()
 * does not see that one is missing, and this does. */
static int check_tests(const struct births_finder *f, const struct births_tests *tests,
		       const struct places *accepted)
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

/* Checks that the use of each read of the word is understood. Otherwise a birth whose test was not
 * found would be missed: where births share their slow blocks, the known ones cover the references
 * of the others. */
static int check_reads(const struct births_finder *f, const struct places_births_report *report)
{
	if (!report->lost)
		return 0;
	return fail(-ENOTSUP,
		    "%s: the word that is tested at births is read at %zu places whose use of it "
		    "is not understood",
		    dso_path(f->d), report->lost);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Checks that each conditional jump to where a birth goes when the word is set is a birth: this
 * finds a second test of a value that was loaded once. Only jumps of the long form are checked, as
 * nearly any bytes look like a short one. */
static int check_jumps(const struct births_finder *f, const uint64_t *blocks, size_t n,
		       const struct places *accepted)
{
	for (size_t i = 0; i < f->n_text; i++) {
		const struct dso_range *r = &f->text[i];

		for (uint64_t at = 0; at + 6 <= r->size; at++) {
			const uint8_t *p = r->data + at;
			const uint64_t jump = r->addr + at;
			uint64_t target;
			int32_t d;

			if (p[0] != 0x0f || (p[1] & 0xfe) != 0x84)
				continue;
			memcpy(&d, p + 2, 4);
			target = jump + 6 + (uint64_t)(int64_t)d;
			if (bsearch(&target, blocks, n, sizeof(*blocks), by_value) &&
			    !is_accepted(accepted, jump))
				return fail(
					-ENOTSUP,
					"%s: the jump at %#llx goes where births go, but is not "
					"known as one",
					dso_path(f->d), (unsigned long long)jump);
		}
	}
	return 0;
}

static int check_slow_blocks(const struct births_finder *f, const struct births_tests *tests,
			     const struct places *accepted)
{
	uint64_t *blocks = calloc(tests->v.n + 1, sizeof(*blocks));
	size_t n = 0;
	int err;

	if (!blocks)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < tests->v.n; i++) {
		const struct births_test *t = &tests->v.v[i];

		/* targets of jumps alone: code that follows a je can be reached otherwise */
		if (t->verdict == BIRTHS_BIRTH && t->set != t->place + 2 && t->set != t->place + 6)
			blocks[n++] = t->set;
	}
	qsort(blocks, n, sizeof(*blocks), by_value);
	err = n ? check_jumps(f, blocks, n, accepted) : 0;
	free(blocks);
	return err;
}

int births_check_complete(const struct births_finder *f, const struct births_tests *tests,
			  struct births_hits *hits, const struct places *accepted,
			  struct places_births_report *report)
{
	int err = check_reads(f, report);

	if (!err)
		err = check_refs(f, tests, hits, accepted, report);
	if (!err)
		err = check_tests(f, tests, accepted);
	if (!err)
		err = check_slow_blocks(f, tests, accepted);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/deaths.h"

#include "places/places.h"
#include "storage/storage.h"

/* looks at one type before the next: four missed objects in two looks refuse a size class
 * (unseen.c) */
#define LOOKS 4
#define TRIES 8
#define RDI   7

/* The type of a survivor chosen by chance, so that a type that survives often is asked about often.
 */
static uint64_t type_of_a_survivor(const struct deaths_view *v)
{
	size_t n;
	const struct sample *s = ladder_samples(v->ladder, &n);

	for (int i = 0; n && i < TRIES; i++) {
		const struct sample *one = &s[(random_next(v->random) >> 16) % n];

		if (one->addr && one->rung)
			return one->type;
	}
	return 0;
}

static bool is_for_good(int err)
{
	return !err || err == -ENOTSUP || err == -ENOENT;
}

/* Finds where to probe a tp_dealloc. Its file, megabytes, is read once for each function. */
static int find(struct deaths *d, const struct deaths_view *v, struct deaths_place *out)
{
	struct places_point p = {0};
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(d->known); i++)
		if (d->known[i].code == d->code) {
			*out = d->known[i];
			return 0;
		}
	if (storage_ask(dso_fd(v->rt->dso), STORAGE_READ))
		return fail(-EAGAIN, "the storage that the interpreter lies on does not answer");
	err = places_find_entry_at(v->rt->dso, d->code - v->rt->bias, "tp_dealloc", 1u << RDI, &p);
	dso_forget_bytes(v->rt->dso);
	if (!is_for_good(err))
		return err;
	*out = (struct deaths_place){d->code, p.offset, p.site.reg, !err};
	d->known[d->n_known++ % ARRAY_SIZE(d->known)] = *out;
	return err;
}

static int open_set(struct deaths *d, const struct deaths_view *v)
{
	struct probe_set_spec spec = v->spec;
	struct deaths_place p;
	int err = find(d, v, &p);

	if (err || !p.is_one)
		return err;
	spec.offsets = &p.offset;
	spec.n = 1;
	v->stats->dying_reg = p.reg;
	return probe_set_open(v->mechanism, &spec, &d->set);
}

static void change(struct deaths *d, const struct deaths_view *v, uint64_t type, uint64_t code)
{
	int err;

	deaths_free(d);
	d->code = code;
	err = code ? open_set(d, v) : 0;
	if (!err)
		return;
	log_debug("deaths of type %#llx are not seen: %s", (unsigned long long)type, fail_text());
	if (!is_for_good(err))
		d->code = 0; /* to be tried again */
}

void deaths_choose(struct deaths *d, const struct deaths_view *v)
{
	uint64_t type, code;

	if (d->type && ++d->looks < LOOKS)
		return;
	type = type_of_a_survivor(v);
	if (!type)
		return;
	d->looks = 0;
	d->type = type;
	code = py_type_dealloc(v->rt, type);
	if (code != d->code)
		change(d, v, type, code);
	/* the look that follows says something about rebirths of this type only with a probe */
	v->stats->dying = d->set ? type : 0;
}

void deaths_on(struct deaths *d, volatile struct pl_stats *stats)
{
	if (!d->set || !probe_set_on(d->set))
		return;
	stats->dying = 0;
	log_debug("a look without deaths: %s", fail_text());
}

void deaths_free(struct deaths *d)
{
	probe_set_close(d->set);
	d->set = NULL;
}

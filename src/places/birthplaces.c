/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "places/birthplaces.h"

#define MANY	  4   /* a site has many types if it has so many, and ... */
#define MANY_PART 0.5 /* ... this part of the types of the site that has most */

bool birthplaces_learn(struct birthplaces *b, uint64_t type, uint16_t site)
{
	uint64_t *seen = map64_put(&b->known, (type << 12 | site) ^ type >> 52);
	struct birthplace *p;

	if (!seen || (*seen)++)
		return false;
	p = vec_push(&b->pairs);
	if (p)
		*p = (struct birthplace){.type = type, .site = site};
	return true;
}

bool birthplaces_learn_class(struct birthplaces *b, uint64_t type, uint64_t class)
{
	uint64_t *bits = map64_put(&b->classes, type);

	if (!bits || *bits & class)
		return false;
	*bits |= class;
	return true;
}

uint64_t birthplaces_classes(const struct birthplaces *b, uint64_t type, uint64_t unknown)
{
	const uint64_t *bits = map64_get(&b->classes, type);

	return bits ? *bits : unknown;
}

void birthplaces_of_classes(const struct birthplaces *b, uint64_t classes, bool *want)
{
	for (size_t i = 0; i < b->pairs.n; i++)
		if (birthplaces_classes(b, b->pairs.v[i].type, UINT64_MAX) & classes)
			want[b->pairs.v[i].site] = true;
}

bool birthplaces_are_elsewhere(const struct birthplaces *b, uint64_t type, const bool *want)
{
	for (size_t i = 0; i < b->pairs.n; i++)
		if (b->pairs.v[i].type == type && !want[b->pairs.v[i].site])
			return true;
	return false;
}

double birthplaces_share(const struct birthplaces *b, const bool *want, size_t n, size_t *wanted)
{
	double all = 0, in = 0;

	*wanted = 0;
	for (size_t i = 0; i < n; i++) {
		all += b->births[i];
		in += want[i] ? b->births[i] : 0;
		*wanted += want[i];
	}
	return all > 0 ? in / all : 1;
}

static void mark_type(const struct birthplaces *b, uint64_t type, bool *want)
{
	for (size_t i = 0; i < b->pairs.n; i++)
		if (b->pairs.v[i].type == type)
			want[b->pairs.v[i].site] = true;
}

static void mark_many(const struct birthplaces *b, bool *want)
{
	unsigned types[PL_MAX_SITES] = {0}, most = MANY;

	for (size_t i = 0; i < b->pairs.n; i++) {
		unsigned n = ++types[b->pairs.v[i].site];

		most = n > most ? n : most;
	}
	for (size_t k = 0; k < PL_MAX_SITES; k++)
		want[k] |= types[k] >= MANY && types[k] >= MANY_PART * most;
}

bool birthplaces_add(const struct birthplaces *b, uint64_t type, double most, size_t n, bool *want)
{
	bool with[PL_MAX_SITES];
	size_t wanted;

	memcpy(with, want, sizeof(with));
	if (type)
		mark_type(b, type, with);
	else
		mark_many(b, with);
	if (birthplaces_share(b, with, n, &wanted) > most || !wanted)
		return false;
	memcpy(want, with, sizeof(with));
	return true;
}

static struct birthplace_aimed *aimed_at(const struct birthplaces *b, uint64_t type)
{
	for (size_t i = 0; i < b->aimed.n; i++)
		if (b->aimed.v[i].type == type)
			return &b->aimed.v[i];
	return NULL;
}

static bool is_among(const uint64_t *types, size_t n, uint64_t type)
{
	while (n && types[n - 1] != type)
		n--;
	return n;
}

static void sum_usual(struct birthplaces *b)
{
	for (size_t i = 0; i < b->aimed.n; i++)
		b->aimed.v[i].usual = 0;
	for (size_t i = 0; b->aimed.n && i < b->pairs.n; i++) {
		const struct birthplace *p = &b->pairs.v[i];
		struct birthplace_aimed *a = aimed_at(b, p->type);

		if (a)
			a->usual += (double)(b->births[p->site] + p->by_class);
	}
}

void birthplaces_count(struct birthplaces *b, const struct pl_birth *ring, uint64_t from,
		       uint64_t to, const uint64_t *types, size_t n, uint64_t classes)
{
	uint32_t births[PL_MAX_SITES] = {0};
	struct birthplace_aimed *a;

	for (uint64_t i = from; i < to; i++) {
		const struct pl_birth *x = &ring[i & (PL_BIRTH_SLOTS - 1)];

		if (x->type && x->site < PL_MAX_SITES)
			births[x->site]++;
	}
	for (size_t i = 0; !n && !classes && i < PL_MAX_SITES; i++)
		b->births[i] += births[i];
	for (size_t i = 0; classes && i < b->pairs.n; i++) {
		struct birthplace *p = &b->pairs.v[i];

		if (!births[p->site] || !(birthplaces_classes(b, p->type, 0) & classes))
			continue;
		p->by_class += births[p->site];
		p->by_set += births[p->site];
	}
	for (size_t i = 0; i < n; i++) {
		a = aimed_at(b, types[i]) ? NULL : vec_push(&b->aimed);
		if (a)
			a->type = types[i];
	}
	for (size_t i = 0; i < b->pairs.n; i++) {
		const struct birthplace *p = &b->pairs.v[i];

		a = is_among(types, n, p->type) ? aimed_at(b, p->type) : NULL;
		if (!a)
			continue;
		a->aimed += births[p->site];
		a->by_set += births[p->site];
	}
	sum_usual(b);
}

void birthplaces_begin_set(struct birthplaces *b)
{
	for (size_t i = 0; i < b->pairs.n; i++)
		b->pairs.v[i].by_set = 0;
	for (size_t i = 0; i < b->aimed.n; i++)
		b->aimed.v[i].by_set = 0;
}

void birthplaces_take_back(struct birthplaces *b, const uint64_t *types, size_t n, uint64_t classes)
{
	for (size_t i = 0; classes && i < b->pairs.n; i++) {
		struct birthplace *p = &b->pairs.v[i];

		if (!(birthplaces_classes(b, p->type, 0) & classes))
			continue;
		p->by_class -= p->by_set;
		p->by_set = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct birthplace_aimed *a = aimed_at(b, types[i]);

		if (!a)
			continue;
		a->aimed -= a->by_set;
		a->by_set = 0;
	}
	sum_usual(b);
}

void birthplaces_by_stack(const struct pl_birth *ring, uint64_t from, uint64_t to,
			  struct traffic *t)
{
	struct map64 births = {0};

	for (uint64_t i = from; i < to; i++) {
		const struct pl_birth *x = &ring[i & (PL_BIRTH_SLOTS - 1)];
		uint64_t *n = x->type ? map64_put(&births, x->stack ? x->stack : 1) : NULL;

		if (n)
			++*n;
	}
	if (births.n)
		traffic_add(t, &births, clock_ns());
	map64_free(&births);
}

double birthplaces_often(const struct birthplaces *b, uint64_t type)
{
	const struct birthplace_aimed *a = aimed_at(b, type);

	return a && a->usual > 0 ? (a->usual + a->aimed) / a->usual : 1;
}

void birthplaces_forget(struct birthplaces *b)
{
	for (size_t i = 0; i < PL_MAX_SITES; i++)
		if (b->births[i])
			log_debug("%llu births at site %zu", (unsigned long long)b->births[i],
				  i + 1);
	map64_free(&b->classes);
	map64_free(&b->known);
	vec_free(&b->pairs);
	vec_free(&b->aimed);
}

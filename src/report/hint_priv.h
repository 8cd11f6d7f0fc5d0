/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the two halves of hints by paths, which ask what kind of step it is, and by own.c. */
#ifndef PYLEAK_REPORT_HINT_PRIV_H
#define PYLEAK_REPORT_HINT_PRIV_H

#include "report/hint.h"

static inline bool is_type(const struct report_holder_step *s, const char *name)
{
	return s->type && !strcmp(s->type, name);
}

static inline bool begins(const char *s, const char *with)
{
	return s && !strncmp(s, with, strlen(with));
}

static inline bool ends(const char *s, const char *with)
{
	size_t n = s ? strlen(s) : 0, k = strlen(with);

	return n >= k && !strcmp(s + n - k, with);
}

static inline bool is_collection(const struct report_holder_step *s)
{
	return s->entries != REPORT_UNKNOWN && !is_type(s, "tuple");
}

static inline bool is_entry(const struct report_holder_step *s)
{
	return !strcmp(s->edge, "item") || !strcmp(s->edge, "value");
}

static inline const struct report_holder_step *step_of(const struct report_holder *h,
						       const char *type)
{
	for (size_t i = 0; i < h->n; i++)
		if (is_type(&h->step[i], type))
			return &h->step[i];
	return NULL;
}

/* Is it sys.modules? */
static inline bool is_modules(const struct report_holder_step *s)
{
	return s->name && !strcmp(s->name, "sys.modules");
}

static inline void set_hint(struct report_site *site, const char *code, const char *text)
{
	site->hint = (struct report_hint){code, text};
}

/* The hint when objects get bigger in place. */
bool report_in_place_hint(struct report *r, const struct report_holder *h,
			  struct report_site *site);
/* The hint when a container has too many entries, or an object too many attributes. */
void report_container_hint(struct report *r, const struct report_holder *h,
			   struct report_site *site);

#endif

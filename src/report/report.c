/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report's memory, and the names of its enums. */
#include "report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

#ifndef PYLEAK_VERSION
#define PYLEAK_VERSION "unknown"
#endif

/* Above malloc's threshold for mappings: pages come as they are used, and go with the report. */
#define CHUNK_BYTES (256 << 10)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

struct report_arena {
	struct chunk *chunks;
	size_t bytes; /* bytes handed out */
};

#define SURE_TOO_EARLY 0.1

void report_too_early(struct report_process *p)
{
	p->verdict = CLASS_STEADY;
	p->confidence = SURE_TOO_EARLY;
	p->reason = "too early to say whether anything grows";
}

bool report_is_too_early(const struct report_process *p)
{
	return p->verdict == CLASS_STEADY && p->confidence <= SURE_TOO_EARLY;
}

bool report_takes_ram(const struct report_process *p)
{
	return !p->exited && isfinite(p->memory.eta_s) && p->memory.limit_source &&
	       !strcmp(p->memory.limit_source, "ram");
}

const char *report_class_name(enum report_class c)
{
	static const char *const name[CLASS_MAX] = {
		[CLASS_LEAK] = "leak",	 [CLASS_GROWING] = "growing",	  [CLASS_WARMUP] = "warmup",
		[CLASS_BLOAT] = "bloat", [CLASS_RETENTION] = "retention", [CLASS_STEADY] = "steady",
	};

	return (unsigned)c < CLASS_MAX ? name[c] : "steady";
}

const char *report_kind_name(enum report_kind k)
{
	static const char *const name[KIND_MAX] = {
		[KIND_OBJECT] = "object", [KIND_HEAP] = "heap",	    [KIND_MMAP] = "mmap",
		[KIND_FD] = "fd",	  [KIND_THREAD] = "thread",
	};

	return (unsigned)k < KIND_MAX ? name[k] : "object";
}

void *report_alloc(struct report *r, size_t size)
{
	struct chunk *c = r->arena->chunks;
	size_t chunk_size;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	r->arena->bytes += size;
	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		chunk_size = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		c = calloc(1, sizeof(*c) + chunk_size);
		if (!c)
			return NULL;
		c->size = chunk_size;
		c->next = r->arena->chunks;
		r->arena->chunks = c;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

size_t report_bytes(const struct report *r)
{
	return r->arena->bytes;
}

char *report_strdup(struct report *r, const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = report_alloc(r, n);

	return copy ? memcpy(copy, s, n) : NULL;
}

char *report_printf(struct report *r, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL; /* vasprintf left it undefined */
		return NULL;
	}
	return report_strdup(r, text);
}

static bool fill_host(struct report *r)
{
	struct utsname u;

	if (uname(&u) != 0)
		memset(&u, 0, sizeof(u));
	r->version = PYLEAK_VERSION;
	r->hostname = report_strdup(r, u.nodename);
	r->kernel = report_strdup(r, u.release);
	r->arch = report_strdup(r, u.machine);
	return r->hostname && r->kernel && r->arch;
}

int report_new(struct report **out)
{
	struct report *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r)
		r->arena = calloc(1, sizeof(*r->arena));
	if (!r || !r->arena || !fill_host(r)) {
		report_free(r);
		return fail(-ENOMEM, "no memory for a report");
	}
	*out = r;
	return 0;
}

void report_adopt(struct report *to, struct report *from)
{
	struct chunk **end = &from->arena->chunks;

	/* after our own first one, which is still being filled */
	while (*end)
		end = &(*end)->next;
	if (to->arena->chunks) {
		*end = to->arena->chunks->next;
		to->arena->chunks->next = from->arena->chunks;
	} else {
		to->arena->chunks = from->arena->chunks;
	}
	from->arena->chunks = NULL;
}

void report_free(struct report *r)
{
	struct chunk *c, *next;

	if (!r)
		return;
	for (c = r->arena ? r->arena->chunks : NULL; c; c = next) {
		next = c->next;
		free(c);
	}
	free(r->arena);
	free(r);
}

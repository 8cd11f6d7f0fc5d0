/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds strings, functions, locations and mappings to a profile, each once.
 *
 * A reader that subtracts one scrape from the next (Grafana Alloy) tells stacks apart by the
 * addresses of their locations alone. So a frame has the same address in every profile. Python's
 * frames have no address: they get a hash, in a range that is nobody's memory. */
#include <inttypes.h>
#include <xxhash.h>

#include "base/utf8.h"
#include "out/pprof_priv.h"

#define PYTHON_START (1ull << 56)
#define FILE_START   (1ull << 62)
#define FILE_SIZE    (1ull << 32) /* size of a file's range of addresses */
#define LINES_MAX    32		  /* lines of one location */

/* ---- Strings. ---- */

/* Returns @text as a terminal may show it, cut after some @max bytes. The caller frees it. */
static char *form_of(const char *text, size_t max)
{
	size_t n = 0, got;
	char *to = malloc(max + UTF8_FORM + sizeof("..."));
	uint32_t c;

	for (; to && (got = utf8_form(text, to + n, &c)) > 0; text += got) {
		n += strlen(to + n);
		if (n > max) {
			strcpy(to + n, "...");
			break;
		}
	}
	if (to && !n)
		*to = '\0';
	return to;
}

static int64_t add_string(struct pprof *p, char *form)
{
	char **to = form ? vec_push(&p->string) : NULL;

	if (!to) {
		p->err = p->err ? p->err : -ENOMEM;
		free(form);
		return 0;
	}
	*to = form;
	return (int64_t)p->string.n - 1;
}

int64_t pprof_string(struct pprof *p, const char *text, size_t max)
{
	char *form = form_of(text ? text : "", max);
	uint64_t *at = form ? map64_put(&p->string_at, XXH3_64bits(form, strlen(form)) | 1) : NULL;

	if (at && *at && !strcmp(p->string.v[*at - 1], form)) {
		free(form);
		return (int64_t)*at - 1;
	}
	if (at && !*at) /* else another string has this hash, and stays the one that is found */
		*at = p->string.n + 1;
	return add_string(p, form);
}

/* ---- Functions. ---- */

/* The place of the id of @key, 0 in it if it is new; NULL when memory ran out. */
static uint64_t *id_of(struct pprof *p, struct map64 *at, uint64_t key)
{
	uint64_t *id = map64_put(at, key);

	if (!id)
		p->err = p->err ? p->err : -ENOMEM;
	return id;
}

static void put_function(struct pprof *p, uint64_t id, int64_t name, int64_t file)
{
	Pprof__Function f = PPROF__FUNCTION__INIT, *v[] = {&f};
	Pprof__Profile part = PPROF__PROFILE__INIT;

	f.id = id;
	f.name = name; /* as system_name, too, pprof would read <module> as C++ */
	f.filename = file;
	part.n_function = 1;
	part.function = v;
	pprof_put(p, &part);
}

static uint64_t function_id(struct pprof *p, const char *name, const char *file)
{
	int64_t name_at = pprof_string(p, name && *name ? name : "?", PPROF_NAME_MAX);
	int64_t file_at = pprof_string(p, file, PPROF_NAME_MAX);
	uint64_t *id = id_of(p, &p->function_at, (uint64_t)name_at << 32 | (uint64_t)file_at);

	if (id && !*id) {
		*id = ++p->n_functions;
		put_function(p, *id, name_at, file_at);
	}
	return id ? *id : 0;
}

/* ---- Mappings. ---- */

static uint64_t text_hash(const char *text, uint64_t seed)
{
	return XXH3_64bits_withSeed(text ? text : "", text ? strlen(text) : 0, seed);
}

/* Id of the mapping of a file, which is added if @key is new; 0 when memory ran out. */
static uint64_t mapping_id(struct pprof *p, uint64_t key, const char *file, const char *build_id,
			   uint64_t start, uint64_t size)
{
	uint64_t *id = id_of(p, &p->mapping_at, key | 1);
	struct pprof_mapping *m = id && !*id ? vec_push(&p->mapping) : NULL;

	if (m) {
		*id = p->mapping.n;
		*m = (struct pprof_mapping){
			.file = pprof_string(p, file, PPROF_NAME_MAX),
			.build_id = pprof_string(p, build_id, PPROF_LABEL_MAX),
			.start = start,
			.limit = start + size,
		};
	} else if (id && !*id) {
		p->err = p->err ? p->err : -ENOMEM;
	}
	return id ? *id : 0;
}

static uint64_t python_mapping(struct pprof *p)
{
	return mapping_id(p, 1, "[python]", NULL, PYTHON_START, PYTHON_START);
}

void pprof_start_tables(struct pprof *p)
{
	pprof_string(p, "", 0);
	python_mapping(p);
}

/* Id of the mapping of a native frame; @addr = its address there. */
static uint64_t native_mapping(struct pprof *p, const struct report_frame *at, uint64_t *addr)
{
	uint64_t h, start;

	if (!at->module || !*at->module) {
		*addr = at->offset % PYTHON_START;
		return mapping_id(p, 3, "[anonymous]", NULL, 0, PYTHON_START);
	}
	h = text_hash(at->module, text_hash(at->build_id, 0));
	start = FILE_START | (h >> 34) * FILE_SIZE;
	*addr = start + at->offset % FILE_SIZE;
	return mapping_id(p, h, at->module, at->build_id, start, FILE_SIZE);
}

static void put_mapping(struct pprof *p, size_t i)
{
	const struct pprof_mapping *m = &p->mapping.v[i];
	Pprof__Mapping to = PPROF__MAPPING__INIT, *v[] = {&to};
	Pprof__Profile part = PPROF__PROFILE__INIT;

	to.id = i + 1;
	to.memory_start = m->start;
	to.memory_limit = m->limit;
	to.filename = m->file;
	to.build_id = m->build_id;
	to.has_functions = to.has_filenames = to.has_line_numbers = !m->lacks_names;
	to.has_inline_frames = !m->lacks_names;
	part.n_mapping = 1;
	part.mapping = v;
	pprof_put(p, &part);
}

/* ---- Locations. ---- */

/* Id of the location of @key, which is written if it is new; 0 when memory ran out. */
static uint64_t location_id(struct pprof *p, uint64_t key, Pprof__Location *l)
{
	uint64_t *id = id_of(p, &p->location_at, key);
	Pprof__Profile part = PPROF__PROFILE__INIT;

	if (id && !*id) {
		*id = l->id = ++p->n_locations;
		part.n_location = 1;
		part.location = &l;
		pprof_put(p, &part);
	}
	return id ? *id : 0;
}

static uint64_t python_location(struct pprof *p, const struct report_frame *at)
{
	Pprof__Location l = PPROF__LOCATION__INIT;
	Pprof__Line line = PPROF__LINE__INIT, *v[] = {&line};
	uint64_t h = text_hash(at->function, text_hash(at->file, (uint64_t)at->line));

	line.function_id = function_id(p, at->function, at->file);
	line.line = at->line;
	l.mapping_id = python_mapping(p);
	l.address = PYTHON_START | h >> 8;
	l.n_line = 1;
	l.line = v;
	return location_id(p, line.function_id << 32 | (uint32_t)at->line, &l);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* The number of frames that belong to one instruction, by inlining. Frames of a function that calls
 * itself have one return address, too, but are not inlined. */
static size_t chain_length(const struct report_frame *at, size_t n)
{
	size_t k = 1;

	while (k < n && k < LINES_MAX && at[k].native && at[k].offset == at->offset &&
	       same_text(at[k].module, at->module) &&
	       !(same_text(at[k].function, at->function) && at[k].line == at->line))
		k++;
	return k;
}

/* Writes "libx.so.1+0x1f40" into @name. False: the name is left out, as a server may find a better
 * one by the build id. */
static bool native_name(const struct report_frame *at, char name[PPROF_LABEL_MAX])
{
	snprintf(name, PPROF_LABEL_MAX, "%.*s+0x%" PRIx64, PPROF_LABEL_MAX - 24,
		 at->module ? file_name(at->module) : "", at->offset);
	return !at->build_id;
}

static uint64_t native_location(struct pprof *p, const struct report_frame *at, size_t n)
{
	Pprof__Location l = PPROF__LOCATION__INIT;
	Pprof__Line line[LINES_MAX], *v[LINES_MAX];
	uint64_t is[2 + 2 * LINES_MAX];
	char name[PPROF_LABEL_MAX];
	size_t k = 0;

	l.mapping_id = native_mapping(p, at, &l.address);
	is[k++] = l.mapping_id;
	is[k++] = l.address;
	for (size_t i = 0; i < n; i++) {
		Pprof__Line *to = &line[l.n_line];

		if (!at[i].function && !native_name(&at[i], name))
			continue;
		*to = (Pprof__Line)PPROF__LINE__INIT;
		to->function_id =
			function_id(p, at[i].function ? at[i].function : name, at[i].file);
		to->line = at[i].line;
		is[k++] = to->function_id;
		is[k++] = (uint64_t)to->line;
		v[l.n_line++] = to;
	}
	l.line = v;
	if (!l.n_line && l.mapping_id)
		p->mapping.v[l.mapping_id - 1].lacks_names = true;
	/* the highest bit tells these keys from Python's, whose function numbers never reach it */
	return location_id(p, XXH3_64bits(is, k * sizeof(*is)) | 1ull << 63, &l);
}

uint64_t pprof_location(struct pprof *p, const struct report_frame *at, size_t n, size_t *taken)
{
	*taken = at->native ? chain_length(at, n) : 1;
	return at->native ? native_location(p, at, *taken) : python_location(p, at);
}

void pprof_put_tables(struct pprof *p)
{
	for (size_t i = 0; i < p->mapping.n; i++)
		put_mapping(p, i);
	for (size_t i = 0; i < p->string.n; i++) {
		Pprof__Profile part = PPROF__PROFILE__INIT;

		part.n_string_table = 1;
		part.string_table = &p->string.v[i];
		pprof_put(p, &part);
	}
}

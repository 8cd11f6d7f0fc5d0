/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* seeds.py makes small ELF files of this: CPython's way to tell of a birth, as 3.8, 3.11 and 3.13
 * have it (VERSION), and allocators' entries. Never run. */
typedef struct {
	long count;
	void *type;
} object;

extern void *take(unsigned long size);
void *malloc(unsigned long size);
void *calloc(unsigned long n, unsigned long size);
void *realloc(void *p, unsigned long size);
void free(void *p);

#if VERSION >= 13
struct {
	long before[40];
	int (*tracer)(object *o, int event, void *data);
	void *data;
} _PyRuntime;
#define BORN(o)                                                     \
	do {                                                        \
		if (_PyRuntime.tracer)                              \
			_PyRuntime.tracer((o), 0, _PyRuntime.data); \
	} while (0)
#define DIES(o)                                                     \
	do {                                                        \
		if (_PyRuntime.tracer)                              \
			_PyRuntime.tracer((o), 1, _PyRuntime.data); \
	} while (0)
#else
struct {
	int initialized, tracing;
} _Py_tracemalloc_config;
int _PyTraceMalloc_NewReference(object *o);
__attribute__((noinline)) int _PyTraceMalloc_NewReference(object *o)
{
	return take((unsigned long)o) != 0;
}
#define BORN(o)                                         \
	do {                                            \
		if (_Py_tracemalloc_config.tracing)     \
			_PyTraceMalloc_NewReference(o); \
	} while (0)
#define DIES(o)
#endif

#if VERSION > 8
void _Py_NewReference(object *o);
void _Py_NewReference(object *o)
{
	BORN(o);
	o->count = 1;
}
#endif

static inline __attribute__((always_inline)) object *with_type(object *o, void *type)
{
	if (o->type != type)
		o->type = take((unsigned long)type);
	return o;
}

void *make_one(void *type, long n)
{
	object *o = take(32);

	if (!o)
		return 0;
	o->type = type;
	BORN(o);
	o->count = 1;
	((long *)o)[2] = n;
	return o;
}

void *make_two(void *type, object **list, long n)
{
	for (long i = 0; i < n; i++) {
		object *o = list[i] ? list[i] : take((unsigned long)n);

		o = with_type(o, type);
		o->count = 1;
		BORN(o);
		list[i] = o;
	}
	return list;
}

void end_one(object *o)
{
	if (--o->count)
		return;
	DIES(o);
	free(o);
}

void *malloc(unsigned long size)
{
	void *p = take(size + 16);

	return p ? (char *)p + 16 : p;
}

void *calloc(unsigned long n, unsigned long size)
{
	unsigned long all = n * size;
	char *p = malloc(all);

	for (unsigned long i = 0; p && i < all; i++)
		p[i] = 0;
	return p;
}

void *realloc(void *p, unsigned long size)
{
	if (!size)
		free(p);
	return size ? malloc(size) : 0;
}

void free(void *p)
{
	if (p)
		take((unsigned long)p);
}

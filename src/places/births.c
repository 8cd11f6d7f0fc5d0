/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* places_find_births(): finds every place in a file where a Python object comes to life.
 *
 * _Py_NewReference is inlined all over optimised builds, and a macro in 3.8. But each copy,
 * whatever memory the object takes, tests one word: is anybody tracing? The conditional jump on
 * that test is the place; the code it goes to when somebody is tracing tells which register holds
 * the object. */
#include "places/births_priv.h"

#include <elf.h>
#include <stdio.h>
#include <unistd.h>
#include "py/versions.h"

void places_free(struct places *p)
{
	if (!p)
		return;
	free(p->v);
	*p = (struct places){0};
}

int places_row(const struct places *p, const struct dso *d, const struct proc *proc, uint64_t bias,
	       const struct proc_map **out)
{
	*out = NULL;
	for (size_t i = 0; i < p->n; i++) {
		const struct proc_map *m = proc_find_map(proc, bias + p->v[i].addr);

		/* huge pages and memfds have inodes, too, so the path must be the file's */
		if (!m || !m->executable || !m->inode || strcmp(m->path, dso_path(d)) != 0 ||
		    (*out && (m->inode != (*out)->inode || m->dev != (*out)->dev)))
			return fail(-ENOTSUP,
				    "%s: its code was moved to memory that is no part of that "
				    "file, where no probe is hit",
				    dso_path(d));
		*out = *out ? *out : m;
	}
	return 0;
}

/* Notes a known read of the word whose use is not understood. */
static void note_lost(const struct births_finder *f, const struct births_hit *h,
		      struct places_births_report *report)
{
	log_debug("%s: what is done with the word read at %#llx is not clear", dso_path(f->d),
		  (unsigned long long)h->at);
	report->lost++;
}

static int add_test(const struct births_finder *f, const struct births_hit *hit,
		    const struct births_test *t, struct births_tests *tests)
{
	/* A small displacement proves nothing: up to 3.11 the flag is at 4, as are members of many
	 * other structs. */
	const bool far = f->word - f->base > INT8_MAX;
	struct births_test *slot;

	/* It is not our word but a member of another struct at the same displacement, unless it
	 * looks like a birth: then the check for completeness has to know of it. */
	if (!hit->known &&
	    (f->slow_inlined || (t->verdict == BIRTHS_OTHER && !(t->witness && far))))
		return 0;
	if (t->undecodable && t->verdict == BIRTHS_OTHER)
		return fail(-ENOTSUP, "%s: the code behind %#llx cannot be decoded", dso_path(f->d),
			    (unsigned long long)t->place);
	if (t->unknown)
		return fail(-ENOTSUP, "%s: birth or death at %#llx? The operation is not clear",
			    dso_path(f->d), (unsigned long long)t->place);
	slot = vec_push(&tests->v);
	if (!slot)
		return fail(-ENOMEM, "out of memory");
	*slot = *t;
	return 0;
}

/* Gives the operand by which an instruction reads the word, in its own width, or takes its address;
 * NULL: it does neither. */
static const ZydisDecodedOperand *reading(const struct births_finder *f,
					  const struct births_insn *in)
{
	for (size_t i = 0; i < in->i.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &in->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN ||
		     (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ &&
		      op->size == (f->tracer ? 64 : 32))))
			return op;
	}
	return NULL;
}

/* Does it something other than a test: store to the word, or hand it on as a long, as is_tracing()
 * of tracemalloc does? */
static bool is_no_test(const struct births_finder *f, const struct births_insn *in)
{
	return (in->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		!(in->op[0].actions & ZYDIS_OPERAND_ACTION_MASK_READ)) ||
	       (in->i.mnemonic == ZYDIS_MNEMONIC_MOVSXD && !f->tracer);
}

/* Follows the instruction around a displacement. It may have a prefix or not, so each way to decode
 * it is tried: only the right one leads to a birth or a death. */
static int follow_hit(const struct births_finder *f, const struct births_hit *h,
		      struct births_tests *tests, struct places_births_report *report)
{
	bool is_ours = h->known, is_other = true, lost = false, is_clear = false;
	int err = 0;

	for (uint64_t back = 2; back <= 5 && !err; back++) {
		struct births_test t[BIRTHS_MAX_JUMPS];
		const ZydisDecodedOperand *op;
		struct births_insn in;
		size_t n;
		bool more;

		if (!births_decode(f, h->start ? h->start : h->at - back, &in) ||
		    (!h->start && in.i.raw.disp.offset != back) ||
		    (!h->known && in.i.mnemonic != ZYDIS_MNEMONIC_MOV &&
		     in.i.mnemonic != ZYDIS_MNEMONIC_CMP))
			continue;
		op = reading(f, &in);
		is_clear = is_clear || op || is_no_test(f, &in);
		if (!op || is_no_test(f, &in))
			continue;
		n = births_follow(f, &in, op, t, &more);
		lost = n ? more : lost || more;
		for (size_t i = 0; i < n; i++)
			lost = lost || (t[i].lost && t[i].verdict == BIRTHS_OTHER);
		for (size_t i = 0; i < n && !err; i++) {
			err = add_test(f, h, &t[i], tests);
			is_other = is_other && t[i].verdict == BIRTHS_OTHER;
		}
		if (h->start)
			break;
	}
	is_ours = is_ours || !is_other;
	report->tests += is_ours;
	report->other += is_ours && is_other;
	if (h->known && (lost || !is_clear))
		note_lost(f, h, report);
	return err;
}

static int follow_hits(const struct births_finder *f, const struct births_hits *h,
		       struct births_tests *tests, struct places_births_report *report)
{
	int err = 0;

	for (size_t i = 0; i < h->hits.n && !err; i++)
		err = follow_hit(f, &h->hits.v[i], tests, report);
	return err;
}

/* Is it known where the object is when the test is run? */
static bool has_object(const struct births_test *t)
{
	const struct births_value *o = &t->object;

	return !t->disagree && o->n >= INT32_MIN && o->n <= INT32_MAX &&
	       ((o->kind == BIRTHS_ORIGIN && o->reg != 4) ||
		(o->kind == BIRTHS_SLOT && (o->reg == 4 || o->reg == 5)));
}

/* Chooses one of the births at one place. There may be several, as one read was decoded with its
 * prefix and without. Only one of these is the instruction; the other supposes the word behind
 * another register, so it may not know the object. NULL: two of them name different objects, or
 * none names one. */
static const struct births_test *one_of(const struct births_test *t, size_t n)
{
	const struct births_test *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (t[i].verdict != BIRTHS_BIRTH || !has_object(&t[i]))
			continue;
		if (found && !births_same_value(&found->object, &t[i].object))
			return NULL;
		found = &t[i];
	}
	return found;
}

static int to_point(const struct births_finder *f, const struct births_test *t, size_t n,
		    struct places_point *p)
{
	const struct births_test *one = one_of(t, n);

	if (!one)
		return fail(-ENOTSUP, "%s: where the object born at %#llx is kept is not clear",
			    dso_path(f->d), (unsigned long long)t->place);
	*p = (struct places_point){
		.addr = one->place,
		.site = {.reg = one->object.reg,
			 .how = one->object.kind == BIRTHS_SLOT ? PL_OBJ_DEREF : PL_OBJ_REG,
			 .disp = (int32_t)one->object.n}};
	return dso_addr_to_offset(f->d, one->place, &p->offset);
}

static int by_place(const void *a, const void *b)
{
	const struct births_test *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* Counts the tests from @from on that are at one place. */
static size_t of_one_place(const struct births_tests *tests, size_t from)
{
	size_t n = 1;

	while (from + n < tests->v.n && tests->v.v[from + n].place == tests->v.v[from].place)
		n++;
	return n;
}

static bool any_birth(const struct births_test *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].verdict == BIRTHS_BIRTH)
			return true;
	return false;
}

/* For tests: every N-th site is hidden, so that a test can see the finder refuse. */
static unsigned long hide_every(void)
{
	const char *s = getenv("PYLEAK_TEST_HIDE_SITES");

	return s ? strtoul(s, NULL, 10) : 0;
}

static int collect(const struct births_finder *f, struct births_tests *tests, struct places *out,
		   struct places_births_report *report)
{
	const unsigned long hide = hide_every();

	if (tests->v.n)
		qsort(tests->v.v, tests->v.n, sizeof(*tests->v.v), by_place);
	out->v = calloc(tests->v.n + 1, sizeof(*out->v));
	if (!out->v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0, n; i < tests->v.n; i += n) {
		const struct births_test *t = &tests->v.v[i];
		int err;

		n = of_one_place(tests, i);
		for (size_t k = 0; k < n; k++)
			report->deaths += t[k].verdict == BIRTHS_DEATH;
		if (!any_birth(t, n))
			continue;
		report->births++;
		if (hide && (report->births - 1) % hide == 0)
			continue;
		err = to_point(f, t, n, &out->v[out->n]);
		if (err)
			return err;
		if (out->n == PL_MAX_SITES)
			return fail(-ENOTSUP, "%s has more than %d birth sites", dso_path(f->d),
				    PL_MAX_SITES);
		out->v[out->n].site.number = (uint16_t)out->n;
		out->n++;
	}
	/* Where the slow path is inlined a site is known by its witness alone, and one without it
	 * would be missed. That is no danger only where all births go through one function. */
	if (f->slow_inlined && report->births > 1)
		return fail(-ENOTSUP,
			    "%s: tracemalloc's part of _Py_NewReference is inlined at %zu "
			    "places; whether these are all cannot be checked",
			    dso_path(f->d), report->births);
	return report->births ? 0
			      : fail(-ENOTSUP, "%s: no place was found where objects are born",
				     dso_path(f->d));
}

/* For tests: "3" loses every third site, "=17" the 17th, after the check for completeness. The
 * result is as for a build that makes objects in a way which neither finder nor check knows. */
static void lose_some(struct places *p)
{
	const char *s = getenv("PYLEAK_TEST_LOSE_SITES");
	bool one = s && *s == '=';
	unsigned long n = s ? strtoul(s + one, NULL, 10) : 0;
	size_t kept = 0;

	for (size_t i = 0; n && i < p->n; i++)
		if (one ? i + 1 != n : (i + 1) % n != 0)
			p->v[kept++] = p->v[i];
	if (n)
		p->n = kept;
}

static int find(struct births_finder *f, struct births_hits *hits, struct births_tests *tests,
		struct places *out, struct places_births_report *report)
{
	int err;

	f->n_text = dso_text(f->d, f->text, BIRTHS_MAX_TEXT);
	if (f->n_text == BIRTHS_MAX_TEXT)
		return fail(-ENOTSUP, "%s has too many code sections", dso_path(f->d));
	err = births_find_word(f);
	if (err)
		return err;
	births_find_last_calls(f);
	report->word = f->word;
	report->tracer = f->tracer;
	err = births_find_slow(f);
	if (!err)
		err = births_scan(f, hits);
	if (!err)
		err = follow_hits(f, hits, tests, report);
	if (!err)
		err = collect(f, tests, out, report);
	if (!err)
		err = births_check_complete(f, tests, hits, out, report);
	return err;
}

int places_find_births(struct dso *d, int minor, struct places *out,
		       struct places_births_report *report)
{
	struct places_births_report unused;
	struct births_finder *f;
	struct births_hits hits = {0};
	struct births_tests tests = {0};
	int err;

	*out = (struct places){0};
	if (!report)
		report = &unused;
	memset(report, 0, sizeof(*report));
	if (!py_births_are_known(minor))
		return fail(-ENOTSUP, "births are known for CPython 3.8 - 3.%d, not 3.%d",
			    py_last_minor(), minor);
	err = dso_load_relocs(d);
	if (err)
		return err;
	f = calloc(1, sizeof(*f));
	if (!f)
		return fail(-ENOMEM, "out of memory");
	f->d = d;
	f->minor = minor;
	ZydisDecoderInit(&f->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	err = find(f, &hits, &tests, out, report);
	if (err)
		places_free(out);
	else
		lose_some(out);
	vec_free(&hits.hits);
	vec_free(&hits.refs);
	vec_free(&tests.v);
	dso_forget_relocs(d);
	free(f);
	return err;
}

/* Is it no ELF file? False if it cannot be read: opening it then gives the error. */
static bool is_other_than_elf(int fd)
{
	char magic[SELFMAG];
	ssize_t n = pread(fd, magic, SELFMAG, 0);

	return n >= 0 && (n < SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0);
}

int places_open_module(const struct proc *proc, const struct proc_map *m, struct dso **out,
		       uint64_t *bias)
{
	static const char word[] = "_Py_tracemalloc_config";
	const bool is_program = proc_is_program(proc, m);
	struct dso_sym copy;
	int err, fd;

	*out = NULL;
	if (!is_program && !strstr(m->path, ".so"))
		return 0;
	err = proc_map_open(proc, m, &fd);
	if (!err && is_other_than_elf(fd)) { /* no loader maps its code, so it makes no objects */
		close(fd);
		return 0;
	}
	if (!err)
		err = dso_open_fd(fd, m->path, DSO_NAMES, out);
	if (err)
		return err;
	if ((dso_imports(*out, word) || (is_program && !dso_symbol(*out, word, &copy))) &&
	    py_load_bias(proc, m, *out, bias))
		return 0;
	dso_close(*out);
	*out = NULL;
	return 0;
}

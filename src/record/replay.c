/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a recording: the last wanted moment of each process is kept and judged. The file may come
 * from anybody, and anything may be in it. */
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "judge/judge.h"
#include "record/record_priv.h"
#include "report/merge.h"

#define MAX_PROCESSES 4096
#define MAX_MOMENTS   (1u << 20)
#define SAME_S	      0.05
#define MAX_BYTES     (512u << 20)
#define MAX_ROOM      (1u << 30) /* bytes of a report that gets no other process */
#define STEP	      (1u << 20)

struct moment {
	struct record_frame frame;
	unsigned char *v;
};

struct replay {
	FILE *f;
	ZSTD_DCtx *z;
	char room[1 << 16];
	ZSTD_inBuffer in;
	bool holds_more;   /* more may be decompressed than was asked for */
	bool is_ended;	   /* the stream has its end, and the file was not cut */
	bool lacks_memory; /* memory ran out while reading */
	struct record_header header;
	/* when the first process in it was first watched; its earliest moment of any */
	uint64_t start_ns, first_ns;
	VEC(struct moment) kept;
	bool is_full;		  /* other processes came when MAX_PROCESSES were kept */
	size_t bytes;		  /* bytes of the kept moments */
	struct report_tree *tree; /* the last counts; NULL: children were not followed */
	struct report *r;
};

/* Reads exactly @n bytes. False: the file ends or is damaged there. */
static bool get(struct replay *p, void *to, size_t n)
{
	ZSTD_outBuffer out = {to, n, 0};

	while (out.pos < n) {
		size_t left;

		if (p->in.pos == p->in.size && !p->holds_more) {
			p->in = (ZSTD_inBuffer){p->room, fread(p->room, 1, sizeof(p->room), p->f),
						0};
			if (!p->in.size)
				return false;
		}
		left = ZSTD_decompressStream(p->z, &out, &p->in);
		if (ZSTD_isError(left)) {
			p->lacks_memory |= ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation;
			return false;
		}
		p->is_ended = !left;
		p->holds_more = left && out.pos == n;
	}
	return true;
}

static unsigned char *get_record(struct replay *p, struct record_frame *f)
{
	unsigned char *v = NULL;
	size_t n = 0;

	if (!get(p, f, sizeof(*f)))
		return NULL;
	/* grow with the bytes that come, because a length is easily forged */
	while (f->length <= RECORD_MAX && n < f->length) {
		size_t step = f->length - n < STEP ? f->length - n : STEP;
		unsigned char *grown = realloc(v, n + step);

		p->lacks_memory |= !grown;
		if (!grown || !get(p, grown + n, step)) {
			free(grown ? grown : v);
			return NULL;
		}
		v = grown;
		n += step;
	}
	return v;
}

/* Did memory run out? To be asked when no record comes any more. */
static int check_memory(const struct replay *p)
{
	return p->lacks_memory ? fail(-ENOMEM, "out of memory") : 0;
}

static int read_header(struct replay *p, const char *path)
{
	char magic[sizeof(RECORD_MAGIC) - 1];
	struct wire w = {.reads = true, .r = p->r};
	struct record_frame f = {0};
	int err;

	if (fread(magic, 1, sizeof(magic), p->f) != sizeof(magic) ||
	    memcmp(magic, RECORD_MAGIC, sizeof(magic)) != 0)
		return fail(-EINVAL, "%s is no recording of pyleak-bpf", path);
	w.v = get_record(p, &f);
	w.n = w.v ? f.length : 0;
	if (!w.v)
		return check_memory(p)
			       ? fail_in(-ENOMEM, "%s", path)
			       : fail(-EINVAL, "%s ends before anything was recorded", path);
	record_header(&w, &p->header);
	err = wire_error(&w);
	free(w.v);
	if (err)
		return fail_in(err, "%s", path);
	if (p->header.layout != EVIDENCE_VERSION)
		return fail(
			-EINVAL,
			"%s was recorded by version %s, whose recordings this one does not read",
			path, p->header.version ? p->header.version : "?");
	return 0;
}

/* Returns the place of a process's moment; NULL: all are taken, or memory ran out. A process that
 * has executed another program is watched anew, with the same pid. */
static struct moment *place_of(struct replay *p, const struct record_frame *f)
{
	struct moment *m;

	for (size_t i = 0; i < p->kept.n; i++)
		if (p->kept.v[i].frame.pid == f->pid && p->kept.v[i].frame.start_ns == f->start_ns)
			return &p->kept.v[i];
	p->is_full |= p->kept.n == MAX_PROCESSES;
	if (p->kept.n == MAX_PROCESSES)
		return NULL;
	m = vec_push(&p->kept);
	p->lacks_memory |= !m;
	return m;
}

/* Is the moment not after @at_s? Seconds count from when the first process in it was watched. */
static bool is_until(const struct replay *p, const struct record_frame *f, double at_s)
{
	return isnan(at_s) || !p->start_ns || (double)f->now_ns <= (double)p->start_ns + at_s * 1e9;
}

static void keep_moment(struct replay *p, const struct record_frame *f, unsigned char **v)
{
	struct moment *m = place_of(p, f);

	if (!m)
		return;
	p->bytes += f->length;
	p->bytes -= m->v ? m->frame.length : 0;
	free(m->v);
	*m = (struct moment){*f, *v};
	*v = NULL;
}

static int keep_counts(struct replay *p, const struct record_frame *f, unsigned char *v)
{
	struct wire w = {.reads = true, .r = p->r, .v = v, .n = f->length};

	if (!p->tree)
		p->tree = report_alloc(p->r, sizeof(*p->tree));
	if (!p->tree)
		return fail(-ENOMEM, "out of memory");
	record_tree(&w, p->tree);
	return wire_error(&w);
}

/* Keeps the last moment of each process until @at_s. */
static int keep_moments(struct replay *p, double at_s)
{
	struct record_frame f = {0};
	unsigned char *v;
	int err = 0;

	while (!err && p->bytes < MAX_BYTES && (v = get_record(p, &f))) {
		if (!p->start_ns && f.pid)
			p->start_ns = f.start_ns;
		if (f.pid && (!p->first_ns || f.now_ns < p->first_ns))
			p->first_ns = f.now_ns;
		if (is_until(p, &f, at_s) && f.pid)
			keep_moment(p, &f, &v);
		else if (is_until(p, &f, at_s))
			err = keep_counts(p, &f, v);
		free(v);
	}
	return err ? err : check_memory(p);
}

/* Adds the process and its children as one. */
static int join_tree(struct replay *p, struct recorder *to)
{
	struct report *r = p->r;
	int err;

	p->tree->merged = report_alloc(r, sizeof(*p->tree->merged));
	if (!p->tree->merged)
		return fail(-ENOMEM, "out of memory");
	err = report_merge_processes(r, r->processes, r->n_processes, p->tree->merged);
	if (!err && to)
		recorder_add_tree(to, p->tree, p->start_ns);
	r->tree = err ? NULL : p->tree;
	return err;
}

/* Was the process watched again later, without having become another program? */
static bool is_outdated(const struct replay *p, const struct moment *m,
			const struct report_process *is)
{
	for (size_t i = 0; i < p->kept.n && !is->exited; i++)
		if (p->kept.v[i].frame.pid == m->frame.pid &&
		    p->kept.v[i].frame.start_ns > m->frame.start_ns)
			return true;
	return false;
}

/* Sorts processes in the order in which they were watched: the recording's own is chance. */
static int by_start(const void *pa, const void *pb)
{
	const struct record_frame *a = &((const struct moment *)pa)->frame,
				  *b = &((const struct moment *)pb)->frame;

	return a->start_ns != b->start_ns ? (a->start_ns > b->start_ns ? 1 : -1)
					  : (a->pid > b->pid) - (a->pid < b->pid);
}

static int fail_without(const struct replay *p, const char *path, double at_s)
{
	double s = ((double)p->first_ns - (double)p->start_ns) / 1e9;

	if (isnan(at_s) || !p->first_ns)
		return fail(-EINVAL, "%s has no moment of any process", path);
	return fail(-EINVAL, "%s has no moment as early as that (--at): the first is --at %.1f",
		    path, ceil(10 * s) / 10);
}

/* Judges all kept moments. The latest one is the time of the report. */
static int judge_all(struct replay *p, const char *path, double at_s, struct recorder *to)
{
	struct report *r = p->r;
	uint64_t last_ns = 0;
	int err = 0;

	if (!p->kept.n)
		return fail_without(p, path, at_s);
	qsort(p->kept.v, p->kept.n, sizeof(*p->kept.v), by_start);
	r->processes = report_alloc(r, p->kept.n * sizeof(*r->processes));
	if (!r->processes)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->kept.n && !err; i++) {
		struct moment *m = &p->kept.v[i];
		struct evidence *e;

		if (report_bytes(r) > MAX_ROOM) {
			log_line("pyleak-bpf: what was seen of the processes in %s takes more than "
				 "can be kept (%u MiB): the last %zu of %zu are left out",
				 path, MAX_ROOM >> 20, p->kept.n - i, p->kept.n);
			break;
		}
		e = report_alloc(r, sizeof(*e));
		err = e ? evidence_read(m->v, m->frame.length, r, e) : -ENOMEM;
		if (!err && to)
			recorder_add(to, e);
		if (!err)
			err = judge(e, r, &r->processes[r->n_processes]);
		r->n_processes += !err && !is_outdated(p, m, &r->processes[r->n_processes]);
		last_ns = m->frame.now_ns > last_ns ? m->frame.now_ns : last_ns;
	}
	if (!err && p->tree && r->n_processes)
		err = join_tree(p, to);
	if (err)
		return fail_in(err, "%s", path);
	r->duration_s = last_ns > p->start_ns ? (double)(last_ns - p->start_ns) / 1e9 : 0;
	r->started_at =
		p->header.started_at + ((double)p->start_ns - (double)p->header.start_ns) / 1e9;
	r->ended_at = r->started_at + r->duration_s;
	return 0;
}

/* Says what of the file the report lacks. */
static void tell_left_out(const struct replay *p, const char *path)
{
	if (p->bytes >= MAX_BYTES)
		log_line("pyleak-bpf: the last moments of the processes in %s take more than can "
			 "be kept (%u MiB): it was not read to its end",
			 path, MAX_BYTES >> 20);
	else if (!p->is_ended)
		log_line("pyleak-bpf: %s is cut short: what follows is of what can be read", path);
	if (p->is_full)
		log_line("pyleak-bpf: %s has more than %d processes: those that come after them "
			 "are left out",
			 path, MAX_PROCESSES);
}

static const char *or_unknown(const char *text)
{
	return text ? text : "?";
}

static int read_all(struct replay *p, const char *path, double at_s, FILE *to, const char *to_path)
{
	struct recorder *rec = NULL;
	int err = read_header(p, path), end_err;

	if (err)
		return err;
	p->r->version = or_unknown(p->header.version);
	p->r->hostname = or_unknown(p->header.hostname);
	p->r->kernel = or_unknown(p->header.kernel);
	p->r->arch = or_unknown(p->header.arch);
	err = keep_moments(p, at_s);
	if (err)
		return fail_in(err, "%s", path);
	tell_left_out(p, path);
	p->r->final = true;
	if (to)
		err = recorder_begin(to, to_path, &p->header, &rec);
	if (!err)
		err = judge_all(p, path, at_s, rec);
	end_err = recorder_end(rec);
	return err ? err : end_err;
}

static FILE *open_file(const char *path)
{
	/* without O_NONBLOCK, a pipe without a writer would be waited for */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	FILE *f;

	if (fd < 0 || fstat(fd, &st)) {
		fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		fail(-EINVAL, "%s is no file that can be read from", path);
	} else if ((f = fdopen(fd, "r"))) {
		return f;
	}
	close_fd(&fd);
	return NULL;
}

int recording_read(const char *path, double at_s, FILE *to, const char *to_path,
		   struct report **out)
{
	struct replay *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return fail(-ENOMEM, "out of memory");
	p->f = open_file(path);
	err = p->f ? report_new(&p->r) : errno ? -errno : -EIO;
	p->z = ZSTD_createDCtx();
	if (!err && !p->z)
		err = fail(-ENOMEM, "out of memory");
	if (!err)
		err = read_all(p, path, at_s, to, to_path);
	for (size_t i = 0; i < p->kept.n; i++)
		free(p->kept.v[i].v);
	vec_free(&p->kept);
	ZSTD_freeDCtx(p->z);
	if (p->f)
		fclose(p->f);
	if (err)
		report_free(p->r);
	else
		*out = p->r;
	free(p);
	return err;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct times {
	VEC(double) at;
};

static int find_moments(struct replay *p, struct times *t)
{
	struct record_frame f = {0};
	unsigned char *v;

	while (t->at.n < MAX_MOMENTS && (v = get_record(p, &f))) {
		double *slot = f.pid ? vec_push(&t->at) : NULL;

		free(v);
		if (f.pid && !slot)
			return fail(-ENOMEM, "out of memory");
		if (!p->start_ns && f.pid) /* counts have no start */
			p->start_ns = f.start_ns;
		if (slot)
			*slot = ((double)f.now_ns - (double)p->start_ns) / 1e9;
	}
	return check_memory(p);
}

/* Makes one moment of those of several processes that are at most SAME_S apart, because they are of
 * one report. Returns how many are left. */
static size_t unite(double *v, size_t n)
{
	size_t k = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_time);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || v[i + 1] - v[i] > SAME_S)
			v[k++] = v[i];
	return k;
}

int recording_moments(const char *path, double **out, size_t *n)
{
	struct replay p = {.f = open_file(path), .z = ZSTD_createDCtx()};
	int err = p.f ? report_new(&p.r) : errno ? -errno : -EIO;
	struct times t = {0};

	if (!err && !p.z)
		err = fail(-ENOMEM, "out of memory");
	if (!err)
		err = read_header(&p, path);
	if (!err)
		err = find_moments(&p, &t);
	ZSTD_freeDCtx(p.z);
	report_free(p.r);
	if (p.f)
		fclose(p.f);
	*n = err ? 0 : unite(t.at.v, t.at.n);
	if (err)
		vec_free(&t.at);
	*out = t.at.v;
	return err;
}

int recording_kind(const char *path, enum recording_kind *out)
{
	char head[sizeof(RECORD_MAGIC)] = "";
	FILE *f = open_file(path);

	*out = RECORDING_NONE;
	if (!f)
		return errno ? -errno : -EIO;
	if (fread(head, 1, sizeof(head) - 1, f) > 0)
		*out = !strcmp(head, RECORD_MAGIC)     ? RECORDING_EVIDENCE
		       : !strncmp(head, "pyleaksn", 8) ? RECORDING_SNAPSHOT
		       : *head == '{'		       ? RECORDING_REPORT
						       : RECORDING_NONE;
	fclose(f);
	return 0;
}

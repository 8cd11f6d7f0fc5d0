/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a recording. Each moment is flushed whole, so that the file can be read at any time. */
#include <pthread.h>
#include <stdio_ext.h>
#include <zstd.h>

#include "record/record_priv.h"

#define LEVEL 3

struct recorder {
	pthread_mutex_t lock;
	FILE *f;
	const char *path;
	ZSTD_CCtx *z;
	char room[1 << 16];
	bool has_moment; /* of a process, whole */
	int err;
	char why[200];
};

void record_header(struct wire *w, struct record_header *h)
{
	wire_u64(w, &h->layout);
	wire_string(w, &h->version);
	wire_string(w, &h->hostname);
	wire_string(w, &h->kernel);
	wire_string(w, &h->arch);
	wire_double(w, &h->started_at);
	wire_u64(w, &h->start_ns);
}

void record_tree(struct wire *w, struct report_tree *t)
{
	wire_u64(w, &t->started);
	wire_u64(w, &t->watched);
	wire_u64(w, &t->short_lived);
	wire_u64(w, &t->not_python);
	wire_u64(w, &t->not_watched);
	wire_u64(w, &t->no_start);
	wire_u64(w, &t->lost);
}

static int failed(struct recorder *rec, int err)
{
	if (!rec->err) {
		rec->err = err;
		snprintf(rec->why, sizeof(rec->why), "the recording is not complete: %s",
			 strerror(-err));
		__fpurge(rec->f); /* what could not be written would fail again at the end */
	}
	return rec->err;
}

static int compress(struct recorder *rec, const void *data, size_t n, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = {data, n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {rec->room, sizeof(rec->room), 0};

		left = ZSTD_compressStream2(rec->z, &out, &in, how);
		if (ZSTD_isError(left))
			return failed(rec, -EIO);
		if (out.pos && fwrite(rec->room, 1, out.pos, rec->f) != out.pos)
			return failed(rec, errno ? -errno : -EIO);
	} while (how == ZSTD_e_continue ? in.pos < in.size : left);
	return how != ZSTD_e_continue && fflush(rec->f) ? failed(rec, -errno) : 0;
}

static int put(struct recorder *rec, const unsigned char *v, size_t n, int pid, uint64_t start_ns,
	       uint64_t now_ns)
{
	const struct record_frame f = {n, (uint64_t)pid, start_ns, now_ns};
	int err = rec->err ? rec->err : compress(rec, &f, sizeof(f), ZSTD_e_continue);

	if (!err)
		err = compress(rec, v, n, ZSTD_e_flush);
	rec->has_moment |= !err && pid;
	return err;
}

static int put_header(struct recorder *rec, struct record_header *h)
{
	struct wire w = {0};
	int err;

	record_header(&w, h);
	err = wire_error(&w);
	if (!err)
		err = put(rec, w.v, w.n, 0, h->start_ns, h->start_ns);
	free(w.v);
	return err;
}

int recorder_begin(FILE *f, const char *path, struct record_header *h, struct recorder **out)
{
	struct recorder *rec = calloc(1, sizeof(*rec));
	int err;

	*out = NULL;
	if (!rec)
		return fail(-ENOMEM, "out of memory");
	pthread_mutex_init(&rec->lock, NULL);
	rec->f = f;
	rec->path = path;
	rec->z = ZSTD_createCCtx();
	if (rec->z) {
		ZSTD_CCtx_setParameter(rec->z, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(rec->z, ZSTD_c_windowLog, RECORD_WINDOW);
		ZSTD_CCtx_setParameter(rec->z, ZSTD_c_enableLongDistanceMatching, 1);
	}
	err = rec->z ? 0 : fail(-ENOMEM, "out of memory");
	if (!err && fputs(RECORD_MAGIC, f) < 0)
		err = failed(rec, -errno);
	if (!err)
		err = put_header(rec, h);
	if (err) {
		recorder_end(rec);
		return err;
	}
	*out = rec;
	return 0;
}

int recorder_new(FILE *f, const char *path, double started_at, struct recorder **out)
{
	struct record_header h = {
		.layout = EVIDENCE_VERSION, .started_at = started_at, .start_ns = clock_ns()};
	struct report *r;
	int err = report_new(&r); /* its header describes the host */

	*out = NULL;
	if (err)
		return err;
	h.version = r->version;
	h.hostname = r->hostname;
	h.kernel = r->kernel;
	h.arch = r->arch;
	err = recorder_begin(f, path, &h, out);
	report_free(r);
	return err;
}

void recorder_add(struct recorder *rec, const struct evidence *e)
{
	unsigned char *v;
	size_t n;

	int err = evidence_write(e, &v, &n);

	pthread_mutex_lock(&rec->lock);
	if (err)
		failed(rec, err);
	else if (n <= RECORD_MAX)
		put(rec, v, n, e->seen.pid, e->start_ns, e->now_ns);
	else
		failed(rec, -EFBIG);
	pthread_mutex_unlock(&rec->lock);
	free(v);
}

void recorder_add_tree(struct recorder *rec, const struct report_tree *t, uint64_t now_ns)
{
	struct report_tree counts = *t;
	struct wire w = {0};
	int err;

	record_tree(&w, &counts);
	err = wire_error(&w);
	pthread_mutex_lock(&rec->lock);
	if (err)
		failed(rec, err);
	else
		put(rec, w.v, w.n, 0, now_ns, now_ns);
	pthread_mutex_unlock(&rec->lock);
	free(w.v);
}

const char *recorder_trouble(struct recorder *rec)
{
	int err;

	pthread_mutex_lock(&rec->lock);
	err = rec->err;
	pthread_mutex_unlock(&rec->lock);
	return err ? rec->why : NULL;
}

bool recorder_has_moment(const struct recorder *rec)
{
	return rec->has_moment;
}

int recorder_end(struct recorder *rec)
{
	int err;

	if (!rec)
		return 0;
	if (!rec->err && rec->z)
		compress(rec, NULL, 0, ZSTD_e_end);
	err = rec->err ? fail(rec->err, "%s: %s", rec->path, rec->why) : 0;
	ZSTD_freeCCtx(rec->z);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
	return err;
}

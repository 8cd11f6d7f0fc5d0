/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packs messages into bytes and compresses them with gzip. */
#include "out/pprof_priv.h"

#define GZIP_WINDOW (MAX_WBITS + 16) /* with gzip's header, without a time and a name in it */

static void note(struct pprof *p, int err)
{
	p->err = p->err ? p->err : err;
}

void pprof_begin(struct pprof *p, FILE *f)
{
	*p = (struct pprof){.f = f};
	errno = 0;
	if (deflateInit2(&p->z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		note(p, -ENOMEM);
}

static void compress_bytes(struct pprof *p, const uint8_t *v, size_t n, int flush)
{
	p->z.next_in = (Bytef *)(uintptr_t)v;
	p->z.avail_in = (uInt)n;
	do {
		size_t got;

		p->z.next_out = p->out;
		p->z.avail_out = sizeof(p->out);
		if (deflate(&p->z, flush) == Z_STREAM_ERROR)
			note(p, -EIO);
		got = sizeof(p->out) - p->z.avail_out;
		if (!p->err && fwrite(p->out, 1, got, p->f) != got)
			note(p, -(errno ? errno : EIO));
	} while (!p->err && p->z.avail_out == 0);
}

void pprof_put(struct pprof *p, const Pprof__Profile *part)
{
	size_t n = p->err ? 0 : pprof__profile__get_packed_size(part);

	if (!n)
		return;
	if (n > UINT32_MAX || !vec_reserve(&p->packed, n)) {
		note(p, -ENOMEM);
		return;
	}
	pprof__profile__pack(part, p->packed.v);
	compress_bytes(p, p->packed.v, n, Z_NO_FLUSH);
}

int pprof_end(struct pprof *p)
{
	if (!p->err)
		compress_bytes(p, NULL, 0, Z_FINISH);
	if (!p->err && fflush(p->f))
		note(p, -(errno ? errno : EIO));
	deflateEnd(&p->z);
	for (size_t i = 0; i < p->string.n; i++)
		free(p->string.v[i]);
	vec_free(&p->string);
	vec_free(&p->packed);
	vec_free(&p->mapping);
	map64_free(&p->string_at);
	map64_free(&p->function_at);
	map64_free(&p->location_at);
	map64_free(&p->mapping_at);
	return p->err;
}

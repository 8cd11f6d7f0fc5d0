/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unpacks .gnu_debugdata: a small ELF file with the symbols of functions, compressed by xz and kept
 * in a stripped file. Its stated size is checked first, because few bytes can become gigabytes. */
#include "sym/sym_priv.h"

#include <lzma.h>

#define MINI_MAX    (32u << 20)
#define LZMA_MEMORY (128u << 20)

/* Returns the unpacked size in bytes; 0: it is unknown or more than MINI_MAX. */
static size_t unpacked_size(const uint8_t *p, size_t n)
{
	uint64_t limit = LZMA_MEMORY, size;
	lzma_index *index = NULL;
	lzma_stream_flags flags;
	size_t at;

	while (n > LZMA_STREAM_HEADER_SIZE && n % 4 == 0 && !memcmp(p + n - 4, "\0\0\0", 4))
		n -= 4;
	if (n < 2 * LZMA_STREAM_HEADER_SIZE ||
	    lzma_stream_footer_decode(&flags, p + n - LZMA_STREAM_HEADER_SIZE) != LZMA_OK ||
	    flags.backward_size > n - LZMA_STREAM_HEADER_SIZE)
		return 0;
	at = n - LZMA_STREAM_HEADER_SIZE - flags.backward_size;
	if (lzma_index_buffer_decode(&index, &limit, NULL, p, &at, n) != LZMA_OK)
		return 0;
	size = lzma_index_uncompressed_size(index);
	lzma_index_end(index, NULL);
	return size <= MINI_MAX ? size : 0;
}

static struct dso *unpack(const struct sym_file *f, const uint8_t *p, size_t n)
{
	size_t size = unpacked_size(p, n), in = 0, out = 0;
	uint64_t limit = LZMA_MEMORY;
	struct dso *d = NULL;
	uint8_t *image;

	image = size ? malloc(size) : NULL;
	if (!image)
		return NULL;
	if (lzma_stream_buffer_decode(&limit, 0, NULL, p, &in, n, image, &out, size) != LZMA_OK ||
	    out != size) {
		free(image);
		return NULL;
	}
	return dso_open_image(f->path, image, size, &d) ? NULL : d;
}

struct dso *sym_file_mini(struct sym_file *f)
{
	struct dso_range section;

	if (f->tried_mini || !f->dso)
		return f->mini;
	f->tried_mini = true;
	if (!dso_section(f->dso, ".gnu_debugdata", &section) && section.data)
		f->mini = unpack(f, section.data, section.size);
	return f->mini;
}

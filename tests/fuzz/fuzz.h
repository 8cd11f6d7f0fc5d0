/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fuzz targets share this: taking an input apart, and files that are made of it. */
#ifndef PYLEAK_TESTS_FUZZ_H
#define PYLEAK_TESTS_FUZZ_H

#include <stdio.h>

#include "base/base.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rest of an input; behind its end it reads as zeros. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

static inline uint64_t in_word(struct fuzz_in *in, size_t bytes)
{
	uint64_t v = 0;

	if (bytes > in->n)
		bytes = in->n;
	memcpy(&v, in->p, bytes);
	in->p += bytes;
	in->n -= bytes;
	return v;
}

static inline uint8_t in_u8(struct fuzz_in *in)
{
	return (uint8_t)in_word(in, 1);
}

static inline uint16_t in_u16(struct fuzz_in *in)
{
	return (uint16_t)in_word(in, 2);
}

static inline uint64_t in_u64(struct fuzz_in *in)
{
	return in_word(in, 8);
}

/* The rest as a text of its own, so that reading behind it is seen; the caller frees. */
char *in_text(struct fuzz_in *in);
/* The next piece, up to a byte 0x1e ("record separator") or the end. */
struct fuzz_in in_part(struct fuzz_in *in);

/* Files that the program opens by @path hold this from now on (open, fopen; reading only). The text
 * is copied. NULL takes the file away: it is not there, also when the machine has one. */
void fake_file(const char *path, const void *text, size_t n);
/* All files below these names are only what fake_file made. */
void fake_only_below(const char *prefix);
/* A path that opens a file in memory with this content. */
const char *fake_path(const void *text, size_t n);

/* The separate debug file of every ELF file, NULL = none. */
void fake_debug_file(const void *text, size_t n);

/* Nothing that is written is looked at, but it is formatted. */
FILE *fuzz_sink(void);

#endif

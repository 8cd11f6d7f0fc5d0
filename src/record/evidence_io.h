/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes evidence as bytes for recordings, and reads it again. Any thread. */
#ifndef PYLEAK_RECORD_EVIDENCE_IO_H
#define PYLEAK_RECORD_EVIDENCE_IO_H

#include "evidence/evidence.h"

/* The layout that is written, and the only one that is read. */
#define EVIDENCE_VERSION 2

/* Writes evidence into *@out, @n bytes, which the caller frees. 0, or -ENOMEM with a sentence. */
int evidence_write(const struct evidence *e, unsigned char **out, size_t *n);
/* Reads evidence. Data that it points to lives in @r. -EINVAL with a sentence: the bytes are no
 * evidence. */
int evidence_read(const unsigned char *from, size_t n, struct report *r, struct evidence *out);

#endif

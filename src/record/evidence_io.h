/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Evidence as bytes, for recordings. */
#ifndef PYLEAK_RECORD_EVIDENCE_IO_H
#define PYLEAK_RECORD_EVIDENCE_IO_H

#include "judge/evidence.h"

/* The layout that is written, and the only one that is read. */
#define EVIDENCE_VERSION 2

/* The caller frees *@out. 0 or -ENOMEM with a sentence. */
int evidence_write(const struct evidence *e, unsigned char **out, size_t *n);
/* Data that is pointed to lives in @r. -EINVAL with a sentence when these are no evidence. */
int evidence_read(const unsigned char *from, size_t n, struct report *r, struct evidence *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whatever has a shape, as JSON. */
#ifndef PYLEAK_OUT_JSON_SHAPE_H
#define PYLEAK_OUT_JSON_SHAPE_H

#include "out/json_writer.h"
#include "report/shape.h"

/* @base NULL: null. */
void json_shape(struct json *j, const char *key, const struct shape *s, const void *base);

#endif

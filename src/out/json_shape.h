/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes as JSON any structure that has a shape. */
#ifndef PYLEAK_OUT_JSON_SHAPE_H
#define PYLEAK_OUT_JSON_SHAPE_H

#include "out/json_writer.h"
#include "report/shape.h"

/* Writes the structure at @base by the table @s; null if @base is NULL. */
void json_shape(struct json *j, const char *key, const struct shape *s, const void *base);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/diff.h"
#include "out/json_shape.h"

int diff_json(FILE *f, const struct compare *c)
{
	struct json j;

	json_begin(&j, f);
	json_shape(&j, NULL, &shape_compare, c);
	return json_end(&j);
}

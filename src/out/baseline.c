/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a baseline as JSON. */
#include "out/json_writer.h"
#include "out/out.h"

static void put_run(struct json *j, const struct baseline_run *r)
{
	json_object(j, NULL, true);
	json_number(j, "at", r->at);
	json_number(j, "duration_s", r->duration_s);
	for (enum baseline_number k = 0; k < BASELINE_MAX; k++)
		json_number(j, baseline_name(k), r->v[k]);
	json_close(j);
}

int out_baseline(FILE *f, const struct baseline *b)
{
	struct json j;

	json_begin(&j, f);
	json_object(&j, NULL, false);
	json_string(&j, "schema", BASELINE_SCHEMA);
	json_array(&j, "services", false);
	for (size_t i = 0; i < b->services.n; i++) {
		const struct baseline_service *s = &b->services.v[i];

		json_object(&j, NULL, false);
		json_string(&j, "service", s->name);
		json_array(&j, "runs", false);
		for (size_t k = 0; k < s->n; k++)
			put_run(&j, &s->run[k]);
		json_close(&j);
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	return json_end(&j);
}

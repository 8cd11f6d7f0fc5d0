/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the JSON report. */
#ifndef PYLEAK_OUT_JSON_PRIV_H
#define PYLEAK_OUT_JSON_PRIV_H

#include "out/json_writer.h"
#include "report/report.h"

void json_put_baseline(struct json *j, const struct report_baseline *b);
void json_put_limits(struct json *j, const struct report_memory *m);
void json_put_types(struct json *j, const struct report_process *p);
void json_put_gc(struct json *j, const struct report_gc *g);
void json_put_parts(struct json *j, const struct report_parts *v);
void json_put_pools(struct json *j, const struct report_pools *v);
void json_put_instances(struct json *j, const struct report_process *p);

#endif

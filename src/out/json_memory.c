/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits, the prediction and the kinds of memory, as members of "memory"; the baseline. */
#include <math.h>

#include "out/json_priv.h"

static void put_cgroup(struct json *j, const struct report_cgroup *c)
{
	if (!c->version) {
		json_null(j, "cgroup");
		return;
	}
	json_object(j, "cgroup", true);
	json_integer(j, "version", c->version);
	json_string(j, "path", c->path ? c->path : "");
	json_unsigned(j, "current_bytes", c->current);
	json_unsigned(j, "file_bytes", c->file);
	json_unsigned(j, "limit_bytes", c->limit);
	json_unsigned(j, "high_bytes", c->high);
	json_unsigned(j, "oom_kills", c->oom_kills);
	json_close(j);
}

void json_put_baseline(struct json *j, const struct report_baseline *b)
{
	if (!b->service) {
		json_null(j, "baseline");
		return;
	}
	json_object(j, "baseline", false);
	json_string(j, "service", b->service);
	json_unsigned(j, "runs", b->runs);
	json_array(j, "departures", false);
	for (size_t i = 0; i < b->n_departures; i++) {
		json_object(j, NULL, true);
		json_string(j, "name", b->departures[i].name ? b->departures[i].name : "");
		json_number(j, "value", b->departures[i].value);
		json_number(j, "typical", b->departures[i].typical);
		json_number(j, "limit", b->departures[i].limit);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

void json_put_limits(struct json *j, const struct report_memory *m)
{
	json_unsigned(j, "limit_bytes", m->limit_source ? m->limit_bytes : REPORT_UNKNOWN);
	json_string(j, "limit_source", m->limit_source);
	json_string(j, "limit_name", m->limit_name);
	json_number(j, "limit_left_bytes", m->limit_source ? round(m->left_low) : NAN);
	json_number(j, "oom_eta_s", m->eta_s);
	json_number(j, "oom_eta_low_s", m->eta_low_s);
	json_number(j, "oom_eta_high_s", m->eta_high_s);
	json_unsigned(j, "pss_bytes", m->pss);
	json_unsigned(j, "anon_bytes", m->anon);
	json_unsigned(j, "swap_bytes", m->swap);
	json_unsigned(j, "huge_bytes", m->huge);
	json_unsigned(j, "private_bytes", m->private_bytes);
	json_unsigned(j, "shared_bytes", m->shared);
	json_number(j, "minor_faults_per_s", m->minor_faults_per_s);
	json_number(j, "major_faults_per_s", m->major_faults_per_s);
	put_cgroup(j, &m->cgroup);
}

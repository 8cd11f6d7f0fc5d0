/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a file for speedscope.app (format "sampled"): for each process a profile of the bytes that
 * stay, and one of their growth. Frames are numbered in the order in which they first occur. */
#include <math.h>

#include "out/frames.h"
#include "out/json_writer.h"
#include "out/out.h"
#include "out/term.h"

static void put_frame(struct json *j, const struct report_frame *at)
{
	char where[32];

	snprintf(where, sizeof(where), "+0x%llx", (unsigned long long)at->offset);
	json_object(j, NULL, true);
	json_string(j, "name", at->function ? at->function : where);
	if (at->native ? at->module != NULL : at->file != NULL)
		json_string(j, "file", at->native ? at->module : at->file);
	if (at->line)
		json_integer(j, "line", at->line);
	json_close(j);
}

static void put_frames(struct json *j, struct out_frames *fr, const struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; k < p->sites[i].n_frames; k++) {
			size_t known = fr->v.n;

			if (out_frames_put(fr, &p->sites[i].stack[k]) == known)
				put_frame(j, &p->sites[i].stack[k]);
		}
}

static double weight_of(const struct report_site *s, bool growth)
{
	double v = growth ? s->growth_bytes_per_s : s->outstanding_bytes;

	return v > 0 && isfinite(v) ? v : 0;
}

static void put_samples(struct json *j, struct out_frames *fr, const struct report_process *p,
			bool growth)
{
	json_array(j, "samples", false);
	for (size_t i = 0; i < p->n_sites; i++) {
		if (!(weight_of(&p->sites[i], growth) > 0))
			continue;
		json_array(j, NULL, true);
		for (size_t k = p->sites[i].n_frames; k-- > 0;) {
			size_t at = out_frames_put(fr, &p->sites[i].stack[k]);

			if (at != SIZE_MAX)
				json_unsigned(j, NULL, at);
			else
				j->err = j->err ? j->err : ENOMEM;
		}
		json_close(j);
	}
	json_close(j);
}

static void put_profile(struct json *j, struct out_frames *fr, const struct report_process *p,
			bool growth)
{
	const char *what = growth ? "growth, bytes per second" : "bytes that stay";
	char who[64], name[128];
	double sum = 0;

	if (p->n_members)
		term_name(p, who, sizeof(who));
	else
		snprintf(who, sizeof(who), "%s %d", p->comm ? p->comm : "?", p->pid);
	snprintf(name, sizeof(name), "%s: %s", who, what);
	json_object(j, NULL, false);
	json_string(j, "type", "sampled");
	json_string(j, "name", name);
	json_string(j, "unit", "bytes");
	put_samples(j, fr, p, growth);
	json_array(j, "weights", true);
	for (size_t i = 0; i < p->n_sites; i++) {
		double w = weight_of(&p->sites[i], growth);

		if (w > 0)
			json_number(j, NULL, w);
		sum += w;
	}
	json_close(j);
	json_number(j, "startValue", 0);
	json_number(j, "endValue", sum);
	json_close(j);
}

int out_speedscope(FILE *f, const struct report *r)
{
	struct out_frames fr = {0};
	struct json j;

	json_begin(&j, f);
	json_object(&j, NULL, false);
	json_string(&j, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_string(&j, "exporter", "pyleak-bpf");
	json_object(&j, "shared", false);
	json_array(&j, "frames", false);
	for (size_t i = 0; i < r->n_processes; i++)
		put_frames(&j, &fr, &r->processes[i]);
	json_close(&j);
	json_close(&j);
	json_array(&j, "profiles", false);
	for (size_t i = 0; i < r->n_processes; i++) {
		put_profile(&j, &fr, &r->processes[i], false);
		put_profile(&j, &fr, &r->processes[i], true);
	}
	json_close(&j);
	json_close(&j);
	out_frames_fini(&fr);
	return json_end(&j);
}

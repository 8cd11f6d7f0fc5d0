/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/event.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "out/json_writer.h"

char *out_time(double t, char *buf, size_t size)
{
	char day[32];
	struct tm tm;
	int64_t ms;
	time_t s;

	*buf = '\0';
	/* RFC 3339 has no form for years after 9999 */
	if (!(t >= 0 && t < 253402300799.0))
		return buf;
	ms = (int64_t)round(t * 1000); /* a time read from such a text must give it again */
	s = (time_t)(ms / 1000);
	if (gmtime_r(&s, &tm) && strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(buf, size, "%s.%03dZ", day, (int)(ms % 1000));
	return buf;
}

char *out_event_line(const struct event *e)
{
	char *line = NULL, when[48];
	size_t size;
	FILE *f = open_memstream(&line, &size);
	struct json j;
	int err;

	if (!f)
		return NULL;
	json_begin(&j, f);
	json_object(&j, NULL, true);
	json_string(&j, "event", e->event);
	json_string(&j, "state", e->state);
	json_string(&j, "time", out_time(e->time, when, sizeof(when)));
	json_string(&j, "rule", e->rule);
	json_string(&j, "name", e->name);
	json_number(&j, "value", e->value); /* infinite, "never": null */
	json_number(&j, "limit", e->limit);
	json_number(&j, "for_s", e->for_s);
	json_integer(&j, "pid", e->pid);
	json_string(&j, "comm", e->comm);
	json_string(&j, "text", e->text);
	json_close(&j);
	err = json_end(&j);
	if (fclose(f) || err) {
		free(line);
		return NULL;
	}
	return line;
}

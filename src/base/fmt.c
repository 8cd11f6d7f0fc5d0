/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes numbers for people, in the same form everywhere. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/base.h"

static char *scaled(char *buf, size_t size, double v, double step, const char *const *unit,
		    size_t n)
{
	size_t i = 0;

	if (isnan(v)) {
		snprintf(buf, size, "?%s", unit[0]);
		return buf;
	}
	while (i + 1 < n && fabs(v) >= step * 0.9995) {
		v /= step;
		i++;
	}
	snprintf(buf, size, i == 0 || fabs(v) >= 99.95 ? "%.0f%s" : "%.1f%s", v, unit[i]);
	return buf;
}

char *fmt_bytes(char *buf, size_t size, double bytes)
{
	static const char *const unit[] = {" B", " KiB", " MiB", " GiB", " TiB"};

	return scaled(buf, size, bytes, 1024, unit, ARRAY_SIZE(unit));
}

char *fmt_count(char *buf, size_t size, double n)
{
	static const char *const unit[] = {"", " k", " M", " G"};

	/* a few in an hour, as a rate per second: "0" would mean none */
	if (fabs(n) < 0.095 && fabs(n) >= 0.0001) {
		snprintf(buf, size, "%.2g", n);
		return buf;
	}
	if (fabs(n) < 99.95 && fabs(n - round(n)) > 0.049) {
		snprintf(buf, size, "%.1f", n);
		return buf;
	}
	return scaled(buf, size, n, 1000, unit, ARRAY_SIZE(unit));
}

char *fmt_integer(char *buf, size_t size, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t k = 0;

	for (int i = 0; i < len && k + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			buf[k++] = ',';
		buf[k++] = digits[i];
	}
	buf[k] = '\0';
	return buf;
}

char *fmt_duration(char *buf, size_t size, double s)
{
	return fmt_duration_like(buf, size, s, s);
}

char *fmt_duration_like(char *buf, size_t size, double s, double like)
{
	if (isnan(s))
		snprintf(buf, size, "?");
	else if (like < 99.5)
		snprintf(buf, size, "%.0f s", s);
	else if (like < 5400)
		snprintf(buf, size, "%.0f m %02.0f s", floor(s / 60), floor(fmod(s, 60)));
	else if (like < 3 * 86400)
		snprintf(buf, size, "%.0f h %02.0f m", floor(s / 3600), floor(fmod(s, 3600) / 60));
	else
		snprintf(buf, size, "%.0f d %02.0f h", floor(s / 86400),
			 floor(fmod(s, 86400) / 3600));
	return buf;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/out.h"

enum out_format out_format_of(const char *path)
{
	static const struct {
		const char *suffix;
		enum out_format as;
	} known[] = {
		{".speedscope.json", OUT_speedscope}, /* before .json */
		{".json", OUT_json},
		{".folded", OUT_folded},
	};
	size_t n = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t k = strlen(known[i].suffix);

		if (n > k && !strcmp(path + n - k, known[i].suffix))
			return known[i].as;
	}
	return OUT_FORMATS_MAX;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/out.h"

enum out_format out_format_of(const char *path)
{
#define X(name, text, suffix, ...) [OUT_##name] = suffix,
	static const char *const suffixes[] = {OUT_FORMATS(X, )};
#undef X
	enum out_format found = OUT_FORMATS_MAX;
	size_t n = strlen(path), longest = 0;

	for (enum out_format as = 0; as < OUT_FORMATS_MAX; as++) {
		size_t k = strlen(suffixes[as]);

		if (k > longest && n > k && !strcmp(path + n - k, suffixes[as])) {
			found = as;
			longest = k;
		}
	}
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "out/out.h"

/* Length of the longest of @suffixes (blanks between them) that @path ends in; 0: none. */
static size_t longest_end(const char *path, const char *suffixes)
{
	size_t n = strlen(path), longest = 0, k;

	for (; *suffixes; suffixes += k + (suffixes[k] == ' ')) {
		k = strcspn(suffixes, " ");
		if (k > longest && n > k && !strncmp(path + n - k, suffixes, k))
			longest = k;
	}
	return longest;
}

enum out_format out_format_of(const char *path)
{
#define X(name, text, suffix, ...) [OUT_##name] = suffix,
	static const char *const suffixes[] = {OUT_FORMATS(X, )};
#undef X
	enum out_format found = OUT_FORMATS_MAX;
	size_t longest = 0;

	for (enum out_format as = 0; as < OUT_FORMATS_MAX; as++) {
		size_t k = longest_end(path, suffixes[as]);

		if (k > longest) {
			found = as;
			longest = k;
		}
	}
	return found;
}

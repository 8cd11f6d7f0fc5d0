/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/lost.h"

#include "base/base.h"
#include "pyleak/abi.h"

const char *lost_sentence(const char *key)
{
#define X(id, key, text) {key, text},
	static const struct {
		const char *key, *text;
	} row[] = {PL_LOST(X) SESSION_LOST(X) READS_LOST(X) CENSUS_LOST(X)};
#undef X

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		if (!strcmp(row[i].key, key))
			return row[i].text;
	return NULL;
}

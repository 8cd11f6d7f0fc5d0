/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/reports.h"

#include <math.h>

#include "cli/progress.h"
#include "record/recording.h"
#include "report/merge.h"
#include "report/read.h"

static int read_one(const char *path, struct report_pool *pool, struct report **out)
{
	enum recording_kind kind;

	if (strcmp(path, "-") != 0 && !recording_kind(path, &kind) && kind == RECORDING_EVIDENCE)
		return recording_read(path, NAN, NULL, NULL, out);
	return report_read_shared(path, pool, out);
}

int reports_check(char **files, size_t n)
{
	size_t standard = 0;

	for (size_t i = 0; i < n; i++)
		standard += !strcmp(files[i], "-");
	return standard > 1 ? fail(-EINVAL, "- is standard input, which can be read once: name "
					    "files for the others")
			    : 0;
}

int reports_merge(char **files, size_t n, struct report_pool *pool, bool past, struct report **out)
{
	auto_free struct report **in = calloc(n + 1, sizeof(struct report *));
	struct progress progress;
	size_t got = 0;
	int err = in ? 0 : fail(-ENOMEM, "out of memory");

	progress_begin(&progress, false);
	while (!err && got < n) {
		progress_count(&progress, "reading reports", got, n);
		err = read_one(files[got], pool, &in[got]);
		got += !err;
	}
	progress_end(&progress);
	if (!err)
		return report_merge(in, n, past, out);
	while (got)
		report_free(in[--got]);
	return err;
}

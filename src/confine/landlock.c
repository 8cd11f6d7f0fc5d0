/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readers of files alone may have a domain of Landlock (5.13): nothing is written, made or run, no
 * port is bound or connected to, whatever the filter lets through. Whoever looks into processes may
 * not: the kernel then hides all that are outside of the domain. Headers may be older than this. */
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/confine.h"

#define CREATE_RULESET 444
#define RESTRICT_SELF  446
#define VERSION_FLAG   1

#define READ_FILE (1u << 2)
#define READ_DIR  (1u << 3)

struct ruleset {
	uint64_t fs, net, scoped;
};

/* Rights that came with each version of the interface. */
static const struct {
	int version;
	struct ruleset adds;
	size_t size;
} steps[] = {
	{1, {.fs = 0x1fff & ~(READ_FILE | READ_DIR)}, 8},
	{2, {.fs = 1u << 13}, 8},  /* linking elsewhere */
	{3, {.fs = 1u << 14}, 8},  /* truncating */
	{4, {.net = 3}, 16},	   /* binding, connecting */
	{5, {.fs = 1u << 15}, 16}, /* requests to devices */
	{6, {.scoped = 3}, 24},	   /* abstract sockets and signals to others */
};

bool landlock_files_only(void)
{
	long version = syscall(CREATE_RULESET, NULL, 0, VERSION_FLAG);
	struct ruleset r = {0};
	size_t size = 0;
	bool is_in;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && steps[i].version <= version; i++) {
		r.fs |= steps[i].adds.fs;
		r.net |= steps[i].adds.net;
		r.scoped |= steps[i].adds.scoped;
		size = steps[i].size;
	}
	auto_close int fd = size ? (int)syscall(CREATE_RULESET, &r, size, 0) : -1;
	is_in = fd >= 0 && !syscall(RESTRICT_SELF, fd, 0);
	if (!is_in)
		log_debug("no Landlock here: the filter alone");
	return is_in;
}

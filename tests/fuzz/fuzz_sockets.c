/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of sockets: the paths of unix sockets are anybody's.
 *
 * reads: src/proc/sockets.c src/proc/fds.c src/session/fds_words.c
 */
#include "fuzz/fuzz.h"
#include "proc/sockets.h"

#define PID 99999999

static const char *const name[] = {"tcp", "tcp6", "udp", "udp6", "unix"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	struct fuzz_in in = {data, size};
	struct proc_sockets found = {0};
	struct map64 wanted = {0};

	fake_only_below("/proc/99999999/");
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		struct fuzz_in part = in_part(&in);
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/net/%s", PID, name[i]);
		fake_file(path, part.p, part.n);
	}
	for (uint64_t inode = 1; inode < 10; inode++)
		map64_put(&wanted, inode);
	proc_sockets_find(&p, &wanted, &found);
	for (size_t i = 0; i < found.n; i++)
		if (strlen(found.v[i].local) >= 64 || strlen(found.v[i].peer) >= 64)
			abort();
	vec_free(&found);
	map64_free(&wanted);
	return 0;
}

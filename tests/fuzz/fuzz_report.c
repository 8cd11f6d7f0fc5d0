/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saved reports that lie: a good one is changed at random places and read like any other. Built
 *with the sanitizers; every round must end with a report or a refusal.
 *
 *	fuzz_report SECONDS SEED report FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report/merge.h"
#include "report/read.h"

#define MAX_SIZE (1u << 20)

static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	return below ? random_next(&seed) % below : 0;
}

/* What a reader of JSON may stumble over, in the place of some bytes or between them. */
static size_t spoil(char *text, size_t len)
{
	static const char *const odd[] = {
		"{",	    "}",    "[",       "]",    ",",  ":",     "\"",
		"\\",	    "\\u",  "\\ud800", "null", "-1", "1e999", "18446744073709551616",
		"[[[[[[[[", "\xff", "\"\"",    "{}"};
	const char *s = odd[pick(ARRAY_SIZE(odd))];
	size_t n = strlen(s), at = pick(len), gone = pick(4) ? n : pick(40);

	if (gone > len - at)
		gone = len - at;
	if (len - gone + n > MAX_SIZE)
		return len;
	memmove(text + at + n, text + at + gone, len - at - gone);
	memcpy(text + at, s, n);
	return len - gone + n;
}

static bool round_of(int fd, const char *path, const char *good, char *text, size_t len)
{
	struct report *in[2] = {NULL}, *out = NULL;
	bool got;

	memcpy(text, good, len);
	for (size_t n = 1 + pick(3); n; n--)
		len = spoil(text, len);
	if (!pick(8))
		len = pick(len);
	if (ftruncate(fd, 0) || pwrite(fd, text, len, 0) != (ssize_t)len)
		return false;
	got = !report_read(path, &in[0]);
	if (got && !report_read(path, &in[1]) && !report_merge(in, 2, &out))
		report_free(out);
	return got;
}

int main(int argc, char **argv)
{
	static char good[MAX_SIZE], text[2 * MAX_SIZE];
	uint64_t end, rounds = 0, read_ones = 0;
	char path[64];
	size_t len;
	FILE *f;
	int fd;

	if (argc != 5)
		return 2;
	end = clock_ns() + strtoull(argv[1], NULL, 10) * 1000000000;
	seed = strtoull(argv[2], NULL, 10) | 1;
	f = fopen(argv[4], "re");
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (!f || fd < 0)
		return 2;
	len = fread(good, 1, sizeof(good), f);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (; clock_ns() < end; rounds++)
		read_ones += round_of(fd, path, good, text, len);
	printf("%llu rounds, %llu were reports still\n", (unsigned long long)rounds,
	       (unsigned long long)read_ones);
	/* Both ways must have been gone. */
	return rounds > 100 && read_ones && read_ones < rounds ? 0 : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hands the command line to the commands. */
#include <locale.h>
#include <malloc.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* Column widths of characters follow the user's locale, numbers in JSON must not. */
	setlocale(LC_CTYPE, "");
	/* Readings on threads of their own take turns; an arena each would only keep what they
	 * freed. */
	mallopt(M_ARENA_MAX, 2);
	/* Big buffers come and go: from mappings of their own, all the time, they leave no holes.
	 */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	return cli_run(argc, argv);
}

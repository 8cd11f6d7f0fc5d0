/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls step() 40 times a second, where a debugger may stop it. `loop FILE`: the file says that it
 * runs. */
#include <stdio.h>
#include <unistd.h>

static volatile long done;

__attribute__((noinline)) static void step(long n)
{
	done += n;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 1;
	for (long n = 0;; n++) {
		step(n);
		if (!n) {
			FILE *ready = fopen(argv[1], "w");

			if (!ready)
				return 1;
			fputs("x", ready);
			fclose(ready);
		}
		usleep(25000);
	}
}

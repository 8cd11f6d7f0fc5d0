/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/program.h"

#include <string.h>

/* Finds the letter of an option whose argument follows, in the same word or in the next: "-uW". */
static const char *letter_with_argument(const char *option)
{
	return option[1] == '-' ? NULL : strpbrk(option + 1, "cmWX");
}

size_t program_word(const char *const *words, size_t n, char *by)
{
	size_t i = 1;

	*by = 0;
	for (; i < n && words[i][0] == '-' && words[i][1]; i++) {
		const char *letter = letter_with_argument(words[i]);

		if (letter && (*letter == 'c' || *letter == 'm')) {
			*by = *letter;
			break;
		}
		if ((letter && !letter[1]) || !strcmp(words[i], "--check-hash-based-pycs"))
			i++;
	}
	return i < n ? i : n;
}

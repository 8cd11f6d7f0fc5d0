/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/config.h"

#include <fcntl.h>
#include <unistd.h>

#define FILE_MAX (64 << 10)
#define BLANKS	 " \t\r\n"

int config_text(const char *path, char **out)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	auto_free char *text = NULL;
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	text = calloc(1, FILE_MAX + 1);
	if (!text)
		return fail(-ENOMEM, "out of memory");
	while ((got = read(fd, text + n, FILE_MAX + 1 - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		return fail(-errno, "%s cannot be read: %s", path, strerror(errno));
	if (n > FILE_MAX)
		return fail(-EFBIG, "%s is larger than %d KiB", path, FILE_MAX >> 10);
	if (memchr(text, '\0', n))
		return fail(-EINVAL, "%s is no text", path);
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	if (!n)
		return fail(-EINVAL, "%s is empty", path);
	*out = take(text);
	return 0;
}

char *config_trim(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	n = strlen(s);
	while (n && strchr(BLANKS, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int read_line(const struct opt *table, char *line, void *out)
{
	char *value = strchr(line, '='), *name;

	if (!value)
		return fail(-EINVAL, "'%.60s' is no \"name = value\"", line);
	*value++ = '\0';
	name = config_trim(line);
	value = config_trim(value);
	/* these two are about the run and are no settings */
	if (!strcmp(name, "config") || !strcmp(name, "help"))
		return fail(-EINVAL, "--%s belongs on the command line", name);
	return opts_set(table, name, value, out);
}

int config_read(const struct opt *table, const char *path, char **text, void *out)
{
	int err = config_text(path, text), number = 0;
	char *line, *rest;

	if (err)
		return err;
	for (rest = *text; !err && (line = strsep(&rest, "\n"));) {
		number++;
		line = config_trim(line);
		if (*line && !strchr("#;[", *line))
			err = read_line(table, line, out);
	}
	return err ? fail_in(err, "%s, line %d", path, number) : 0;
}

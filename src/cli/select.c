/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/select.h"

#include <pwd.h>
#include <sys/resource.h>

#include "cli/stop.h"

static int find_user(const char *text, long *out)
{
	const struct passwd *pw = getpwnam(text);
	char *end = NULL;

	*out = pw ? (long)pw->pw_uid : strtol(text, &end, 10);
	if (!pw && (*end || end == text || *out < 0))
		return fail(-EINVAL, "--user: there is no user %s", text);
	return 0;
}

/* Refuses empty words: an unset variable of the caller's shell would select all or none. */
static int check_words(const struct cli_select *c)
{
	const struct {
		const char *name, *value;
	} word[] = {{"name", c->name},
		    {"user", c->user},
		    {"container", c->container},
		    {"pod", c->pod},
		    {"cgroup", c->cgroup}};

	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		if (word[i].value && !*word[i].value)
			return fail(-EINVAL, "--%s needs a name: leave it out to select all",
				    word[i].name);
	return 0;
}

int cli_select_parse(struct cli_select *c, struct sweep_opts *out)
{
	char why[128];
	int err;

	*out = (struct sweep_opts){0};
	if (check_words(c))
		return -EINVAL;
	*out = (struct sweep_opts){
		.container = c->container,
		.pod = c->pod,
		.cgroup = c->cgroup,
		.uid = -1,
		.min_age_s = c->min_age_s,
		.min_rss = c->min_rss,
		.overhead = c->overhead_pct / 100,
		.is_cancelled = stop_asked,
	};
	err = c->user ? find_user(c->user, &out->uid) : 0;
	if (err || !c->name)
		return err;
	err = regcomp(&c->regex, c->name, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &c->regex, why, sizeof(why));
		err = fail(-EINVAL, "--name %s: %s", c->name, why);
		c->name = NULL; /* there is nothing to free */
		return err;
	}
	out->name = &c->regex;
	return 0;
}

void cli_select_free(struct cli_select *c)
{
	if (c->name)
		regfree(&c->regex);
	c->name = NULL;
}

void cli_select_raise_limit(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

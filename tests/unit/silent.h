/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A FUSE mount whose server never answers. */
#ifndef PYLEAK_TESTS_SILENT_H
#define PYLEAK_TESTS_SILENT_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENT_USER 65534

struct silent {
	char top[32];
	pid_t server;
};

/* The server, with a mount that nobody else has. Its first requests wait for a greeting that it
 * never sends. */
static void silent_serve(const char *top, int told)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128], ready = 'y';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other", fuse, SILENT_USER,
		 SILENT_USER);
	if (fuse < 0 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, "") ||
	    mount("user_id=0", top, "fuse.user_id=0", MS_NOSUID | MS_NODEV, options))
		ready = 'n';
	if (write(told, &ready, 1) == 1 && ready == 'y')
		pause();
	_exit(0);
}

/* With the server ends every wait for it. */
static void silent_stop(const struct silent *s)
{
	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
	rmdir(s->top);
}

/* False where none can be made. */
static bool silent_start(struct silent *s)
{
	char ready = 'n';
	int told[2];

	strcpy(s->top, "/tmp/pyleak-silent-XXXXXX");
	assert_non_null(mkdtemp(s->top));
	assert_int_equal(chmod(s->top, 0755), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	s->server = fork();
	if (!s->server)
		silent_serve(s->top, told[1]);
	close(told[1]);
	assert_int_equal(read(told[0], &ready, 1), 1);
	close(told[0]);
	if (ready == 'y')
		return true;
	silent_stop(s);
	print_message("no FUSE mount can be made here\n");
	return false;
}

/* Its top directory. */
static int silent_open(const struct silent *s)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/root%s", s->server, s->top);
	return open(path, O_PATH | O_CLOEXEC);
}

#endif

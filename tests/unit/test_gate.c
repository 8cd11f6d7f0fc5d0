/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The gate for files that a process names, against the kernel itself: a child with the same root
 * and ids opens the same names with openat2. */
#include "proc/gate.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unit.h"

#define NOBODY 65534
#define GROUP  1234
#define TREES  16
#define NAMES  800 /* asked for in each tree; root opens more of them, and has half */

static char top[64];
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static unsigned pick(unsigned n)
{
	return (unsigned)(random_next(&seed) % n);
}

/* ---- The process that names files. ---- */

struct answer {
	int err; /* 0: a regular file that it could read */
	dev_t dev;
	ino_t ino;
};

struct child {
	pid_t pid;
	int ask, told;
	struct proc *proc;
};

static struct answer kernel_says(const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT,
	};
	struct answer a = {0};
	struct stat st;
	auto_close int root = open("/", O_PATH | O_CLOEXEC);
	auto_close int fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));

	if (fd < 0)
		a.err = -errno;
	else if (fstat(fd, &st))
		a.err = -errno;
	else if (!S_ISREG(st.st_mode))
		a.err = -ENOEXEC;
	else
		a = (struct answer){0, st.st_dev, st.st_ino};
	return a;
}

static void serve(int from, int to)
{
	char name[8192];
	struct answer a;
	ssize_t n;

	while ((n = read(from, name, sizeof(name) - 1)) > 0) {
		name[n] = '\0';
		if (!strcmp(name, "!root"))
			a.err = seteuid(0);
		else if (!strcmp(name, "!nobody"))
			a.err = seteuid(NOBODY);
		else
			a = kernel_says(name);
		if (write(to, &a, sizeof(a)) != sizeof(a))
			break;
	}
	_exit(0);
}

static struct answer ask(const struct child *c, const char *name)
{
	struct answer a;

	assert_int_equal(write(c->ask, name, strlen(name)), strlen(name));
	assert_int_equal(read(c->told, &a, sizeof(a)), sizeof(a));
	return a;
}

/* @uid: with it for good, or (@may_return) root's saved. @root, @cwd: NULL = ours. */
static struct child start(const char *root, const char *cwd, uid_t uid, bool may_return)
{
	struct child c;
	int to[2], from[2];
	char ready = 'x';
	gid_t group = GROUP;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	c.pid = fork();
	if (!c.pid) {
		close(to[1]);
		close(from[0]);
		if ((root && chroot(root)) || chdir(cwd ? cwd : "/") ||
		    (uid && (setgroups(1, &group) || setresgid(uid, uid, uid) ||
			     setresuid(uid, uid, may_return ? 0 : uid))) ||
		    write(from[1], &ready, 1) != 1)
			_exit(1);
		serve(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	c.ask = to[1];
	c.told = from[0];
	assert_int_equal(read(c.told, &ready, 1), 1);
	assert_int_equal(proc_open(c.pid, &c.proc), 0);
	return c;
}

static void end(struct child *c)
{
	close(c->ask);
	waitpid(c->pid, NULL, 0);
	close(c->told);
	proc_close(c->proc);
}

static int gate_says(const struct proc *p, const char *name, struct answer *a)
{
	struct stat st;
	auto_close int fd = -1;

	*a = (struct answer){.err = proc_open_named(p, name, 1 << 20, &fd)};
	if (!a->err) {
		assert_int_equal(fstat(fd, &st), 0);
		*a = (struct answer){0, st.st_dev, st.st_ino};
	}
	return a->err;
}

/* ---- Trees at random. ---- */

static const char *part(void)
{
	static const char *const parts[] = {"a", "b", "c", "d", "a",  "b",  "c", "d",
					    "a", "b", "c", "d", "..", "..", ".", ""};

	return parts[pick(ARRAY_SIZE(parts))];
}

static void make_name(char *to, size_t size, unsigned parts)
{
	size_t n = pick(2) ? (size_t)snprintf(to, size, "/") : 0;

	to[n] = '\0';
	for (unsigned i = 1 + pick(parts); i; i--)
		n += (size_t)snprintf(to + n, size - n, "%s%s", part(),
				      i > 1 || !pick(16) ? "/" : "");
	if (!*to)
		snprintf(to, size, ".");
}

static void set_ids(const char *path, bool is_dir)
{
	static const mode_t dirs[] = {0755, 0755, 0755, 0755, 0755, 0755, 0755,
				      0711, 0700, 0750, 0070, 0007, 0744, 0000};
	static const mode_t files[] = {0644, 0644, 0600, 0640, 0604, 0040, 0004, 0000, 0222};
	static const uid_t uids[] = {0, 0, NOBODY, 1000};
	static const gid_t gids[] = {0, NOBODY, GROUP, 5};

	assert_int_equal(chown(path, uids[pick(4)], gids[pick(4)]), 0);
	assert_int_equal(
		chmod(path, is_dir ? dirs[pick(ARRAY_SIZE(dirs))] : files[pick(ARRAY_SIZE(files))]),
		0);
}

static void fill_dir(const char *dir, unsigned depth)
{
	for (const char *name = "abcd"; *name; name++) {
		char path[512], link[128];

		snprintf(path, sizeof(path), "%s/%c", dir, *name);
		switch (pick(11)) {
		case 0 ... 4:
			if (depth < 4) {
				assert_int_equal(mkdir(path, 0755), 0);
				fill_dir(path, depth + 1);
				set_ids(path, true);
				break;
			}
			/* fall through */
		case 5:
		case 6:
			assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
			set_ids(path, false);
			break;
		case 7:
			assert_int_equal(mknod(path, pick(2) ? S_IFIFO | 0666 : S_IFCHR | 0666,
					       makedev(1, 3)),
					 0);
			break;
		case 8 ... 9:
			make_name(link, sizeof(link), 4);
			assert_int_equal(symlink(link, path), 0);
			break;
		}
	}
}

static void agree_on_trees(uid_t uid)
{
	size_t opened = 0, refused = 0;

	for (unsigned t = 0; t < TREES; t++) {
		char root[96], dir[128];
		struct stat st;
		struct child c;

		snprintf(root, sizeof(root), "%s/tree%u-%u", top, uid, t);
		assert_int_equal(mkdir(root, 0755), 0);
		fill_dir(root, 0);
		snprintf(dir, sizeof(dir), "%s/a/b", root);
		c = start(root, !lstat(dir, &st) && S_ISDIR(st.st_mode) ? "/a/b" : "/", uid, false);
		for (unsigned i = 0; i < (uid ? NAMES : NAMES / 2); i++) {
			struct answer kernel, gate;
			char name[128] = "/";

			make_name(name + 1, sizeof(name) - 1, 5);
			if (name[1] != '/')
				assert_int_equal(gate_says(c.proc, name + 1, &gate), -ENOENT);
			kernel = ask(&c, name);
			gate_says(c.proc, name, &gate);
			if (!kernel.err != !gate.err || kernel.dev != gate.dev ||
			    kernel.ino != gate.ino)
				fail_msg(
					"tree %s, %s: the kernel %d (inode %lu), the gate %d (%lu)",
					root, name, kernel.err, (unsigned long)kernel.ino, gate.err,
					(unsigned long)gate.ino);
			opened += !kernel.err;
			refused += !!kernel.err;
		}
		end(&c);
	}
	print_message("uid %u: %zu names opened, %zu refused, by both\n", uid, opened, refused);
	assert_true(opened > 200 && refused > 200);
}

static void agrees_with_the_kernel(void **state)
{
	(void)state;
	agree_on_trees(NOBODY);
	agree_on_trees(0);
}

/* ---- One by one. ---- */

static char *at_top(char buf[128], const char *name)
{
	snprintf(buf, 128, "%s/%s", top, name);
	return buf;
}

static void make_file(const char *path, mode_t mode, off_t size)
{
	auto_close int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, mode);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
}

static void bounds_what_it_follows(void **state)
{
	char name[128], to[128], deep[512] = "";
	struct child c;
	struct answer a;

	(void)state;
	make_file(at_top(name, "link0"), 0644, 1);
	for (int i = 1; i <= 42; i++) {
		snprintf(to, sizeof(to), "link%d", i - 1);
		snprintf(name, sizeof(name), "%s/link%d", top, i);
		assert_int_equal(symlink(to, name), 0);
	}
	c = start(top, NULL, NOBODY, false);
	for (int i = 39; i <= 42; i++) {
		snprintf(name, sizeof(name), "/link%d", i);
		assert_int_equal(ask(&c, name).err, i > 40 ? -ELOOP : 0);
		assert_int_equal(gate_says(c.proc, name, &a), i > 40 ? -ELOOP : 0);
	}
	/* Each level is a descriptor. */
	for (int i = 0; i < 70; i++) {
		strcat(deep, "/d");
		snprintf(to, sizeof(to), "%s", deep);
		snprintf(name, sizeof(name), "%s%.*s", top, (int)sizeof(name) - 65, deep);
		mkdir(name, 0755);
	}
	assert_int_equal(gate_says(c.proc, deep, &a), strlen(deep) < 100 ? -EISDIR : -ENOENT);
	assert_int_equal(gate_says(c.proc, "", &a), -ENOENT);
	assert_int_equal(gate_says(c.proc, "/", &a), -EISDIR);
	end(&c);
}

static void opens_nothing_but_small_regular_files(void **state)
{
	char name[128];
	struct answer a;
	struct child c = start(NULL, NULL, 0, false);

	(void)state;
	assert_int_equal(mkfifo(at_top(name, "fifo"), 0666), 0);
	assert_int_equal(gate_says(c.proc, name, &a), -ENOEXEC);
	make_file(at_top(name, "sparse"), 0644, 1ll << 40);
	assert_int_equal(gate_says(c.proc, name, &a), -EFBIG);
	assert_int_equal(gate_says(c.proc, "/dev/ptmx", &a), -ENOEXEC);
	assert_int_equal(gate_says(c.proc, "/dev/null", &a), -ENOEXEC);
	/* Made up by the kernel: what is there is the reader's, or is consumed. */
	assert_int_equal(gate_says(c.proc, "/proc/1/environ", &a), -ENOEXEC);
	assert_int_equal(gate_says(c.proc, "/proc/self/environ", &a), -ELOOP);
	assert_int_equal(gate_says(c.proc, "/proc/1/exe", &a), -ELOOP);
	assert_int_equal(gate_says(c.proc, "/sys/kernel/notes", &a), -ENOEXEC);
	end(&c);
}

/* user::rw-, user:65534:---, group::r--, mask::r--, other::r-- */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} row[5];
} list = {2, {{1, 6, ~0u}, {2, 0, NOBODY}, {4, 4, ~0u}, {0x10, 4, ~0u}, {0x20, 4, ~0u}}};

static void obeys_lists(void **state)
{
	struct child c = start(NULL, NULL, NOBODY, false);
	char name[128];
	struct answer a;

	(void)state;
	make_file(at_top(name, "listed"), 0644, 1);
	assert_int_equal(gate_says(c.proc, name, &a), 0);
	if (setxattr(name, "system.posix_acl_access", &list, sizeof(list), 0)) {
		end(&c);
		skip();
	}
	assert_int_equal(ask(&c, name).err, -EACCES);
	assert_int_equal(gate_says(c.proc, name, &a), -EACCES);
	end(&c);
}

static void counts_what_it_was_and_what_it_is(void **state)
{
	struct child c = start(NULL, NULL, NOBODY, true);
	char name[128];
	struct answer a;

	(void)state;
	make_file(at_top(name, "roots"), 0600, 1);
	assert_int_equal(gate_says(c.proc, name, &a), -EACCES);
	/* As after the exec of a program that is root's for everybody. */
	assert_int_equal(ask(&c, "!root").err, 0);
	assert_int_equal(ask(&c, name).err, 0);
	assert_int_equal(gate_says(c.proc, name, &a), -EACCES);
	proc_close(c.proc);
	assert_int_equal(proc_open(c.pid, &c.proc), 0);
	assert_int_equal(gate_says(c.proc, name, &a), 0);
	assert_int_equal(ask(&c, "!nobody").err, 0);
	assert_int_equal(gate_says(c.proc, name, &a), -EACCES);
	end(&c);
}

static void names_of_the_dead(void **state)
{
	char name[128], all[128];
	struct answer a;
	struct child c = start(NULL, top, NOBODY, false), jailed;

	(void)state;
	make_file(at_top(name, "secret"), 0600, 1);
	make_file(at_top(all, "public"), 0644, 1);
	jailed = start(top, NULL, NOBODY, false);
	assert_int_equal(gate_says(c.proc, all, &a), 0);
	assert_int_equal(gate_says(c.proc, "public", &a), -ENOENT);
	assert_int_equal(gate_says(jailed.proc, "/public", &a), 0);
	kill(c.pid, SIGKILL);
	kill(jailed.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	waitpid(jailed.pid, NULL, 0);
	assert_int_equal(gate_says(c.proc, all, &a), 0);
	assert_int_equal(gate_says(c.proc, name, &a), -EACCES);
	assert_int_equal(gate_says(c.proc, "public", &a), -ENOENT);
	/* Its names would mean something else here. */
	assert_int_equal(gate_says(jailed.proc, "/public", &a), -ENOENT);
	assert_int_equal(gate_says(jailed.proc, all, &a), -ENOENT);
	end(&c);
	end(&jailed);
}

static int make_top(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	umask(0);
	strcpy(top, "/tmp/pyleak-gate-XXXXXX");
	return !mkdtemp(top) || chmod(top, 0755);
}

static int remove_top(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return *top ? system(command) : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_kernel),
		cmocka_unit_test(bounds_what_it_follows),
		cmocka_unit_test(opens_nothing_but_small_regular_files),
		cmocka_unit_test(obeys_lists),
		cmocka_unit_test(counts_what_it_was_and_what_it_is),
		cmocka_unit_test(names_of_the_dead),
	};

	if (geteuid()) {
		print_message("the gate: needs root, for processes of others\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, make_top, remove_top);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc/PID/net/{tcp,tcp6,udp,udp6,unix}. Their lines are of the kernel's making; addresses are hex
 * words in the byte order of the host. */
#include "proc/sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proc/fds.h"

#define MAX_LINES      200000 /* per table: a busy host has tens of thousands */
#define PORTS	       65536
#define FIRST_FDS      1024
#define TCP_CLOSE_WAIT 8
#define TCP_LISTEN     10

struct search {
	const struct proc *p;
	const struct map64 *inodes;
	struct proc_sockets *out;
	uint8_t *listening; /* bit per port */
	bool listeners;	    /* others are not wanted ... */
	bool is_over;	    /* ... and are all that is left of the table */
};

/* "0100007F:0050", or 32 digits: text and port. */
static bool parse_address(const char *s, char *text, size_t size, uint16_t *port)
{
	uint32_t word[4] = {0};
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) / 8 : 0;
	char host[INET6_ADDRSTRLEN] = "";

	*text = 0;
	*port = 0;
	if ((n != 1 && n != 4) || (size_t)(colon - s) != 8 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (sscanf(s + 8 * i, "%8" SCNx32, &word[i]) != 1)
			return false;
	*port = (uint16_t)strtoul(colon + 1, NULL, 16);
	if (n == 4 && !word[0] && !word[1] && word[2] == htonl(0xffff)) {
		word[0] = word[3]; /* IPv4 in IPv6 */
		n = 1;
	}
	if (!inet_ntop(n == 1 ? AF_INET : AF_INET6, word, host, sizeof(host)))
		return false;
	snprintf(text, size, n == 1 ? "%s:%u" : "[%s]:%u", host, *port);
	return true;
}

static void add_inet(struct search *s, const char *protocol, const char *line)
{
	char local[48], peer[48];
	struct proc_socket *to;
	struct proc_socket one = {.protocol = protocol};
	unsigned state;

	if (sscanf(line, " %*u: %47s %47s %x %*s %*s %*s %*u %*u %" SCNu64, local, peer, &state,
		   &one.inode) != 4 ||
	    !parse_address(local, one.local, sizeof(one.local), &one.local_port) ||
	    !parse_address(peer, one.peer, sizeof(one.peer), &one.peer_port))
		return;
	/* The kernel lists those that listen first. */
	s->is_over = s->listeners && state != TCP_LISTEN;
	if (*protocol == 't' && state == TCP_LISTEN)
		s->listening[one.local_port / 8] |= (uint8_t)(1u << one.local_port % 8);
	if (!one.inode || !map64_get(s->inodes, one.inode))
		return;
	one.is_listening = *protocol == 't' && state == TCP_LISTEN;
	one.is_abandoned = *protocol == 't' && state == TCP_CLOSE_WAIT;
	if (!one.peer_port)
		one.peer[0] = 0;
	to = vec_push(s->out);
	if (to)
		*to = one;
}

static void add_unix(struct search *s, const char *line)
{
	struct proc_socket one = {.protocol = "unix"}, *to;
	unsigned flags;

	if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %" SCNu64 " %63[^\n]", &flags, &one.inode,
		   one.local) < 2 ||
	    !one.inode || !map64_get(s->inodes, one.inode))
		return;
	one.is_listening = flags & 0x10000; /* __SO_ACCEPTCON */
	to = vec_push(s->out);
	if (to)
		*to = one;
}

static void read_table(struct search *s, const char *name, const char *protocol)
{
	char path[48], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", s->p->pid, name);
	f = fopen(path, "re");
	if (!f)
		return;
	s->is_over = false;
	for (int i = 0; i < MAX_LINES && !s->is_over && fgets(line, sizeof(line), f); i++) {
		if (*protocol == 'u' && protocol[1] == 'n')
			add_unix(s, line);
		else
			add_inet(s, protocol, line);
	}
	fclose(f);
}

int proc_sockets_find(const struct proc *p, const struct map64 *inodes, struct proc_sockets *out)
{
	static const char *const table[][2] = {
		{"tcp", "tcp"}, {"tcp6", "tcp"}, {"unix", "unix"}, {"udp", "udp"}, {"udp6", "udp"},
	};
	auto_free uint8_t *listening = calloc(1, PORTS / 8);
	struct search s = {.p = p, .inodes = inodes, .out = out, .listening = listening};

	if (!listening)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(table) && (i < 2 || out->n < inodes->n); i++)
		read_table(&s, table[i][0], table[i][1]);
	for (size_t i = 0; i < out->n; i++) {
		struct proc_socket *x = &out->v[i];

		x->is_accepted = *x->protocol == 't' && x->peer_port && !x->is_listening &&
				 (listening[x->local_port / 8] >> x->local_port % 8 & 1);
	}
	return 0;
}

/* The inodes of the first of its sockets. */
static void find_sockets(const struct proc *p, struct map64 *inodes)
{
	char path[32], link[64];
	const struct dirent *e;
	uint64_t inode;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", p->pid);
	d = opendir(path);
	for (int i = 0; d && i < FIRST_FDS && (e = readdir(d)); i++)
		if (!proc_fds_link(dirfd(d), atoi(e->d_name), link, sizeof(link)) &&
		    sscanf(link, "socket:[%" SCNu64, &inode) == 1)
			map64_put(inodes, inode);
	if (d)
		closedir(d);
}

bool proc_listens(const struct proc *p)
{
	static const char *const table[][2] = {{"tcp", "tcp"}, {"tcp6", "tcp"}, {"unix", "unix"}};
	auto_free uint8_t *listening = calloc(1, PORTS / 8);
	struct map64 inodes = {0};
	struct proc_sockets found = {0};
	struct search s = {p, &inodes, &found, listening, true, false};
	bool listens = false;

	find_sockets(p, &inodes);
	for (size_t i = 0; listening && inodes.n && !listens && i < ARRAY_SIZE(table); i++) {
		read_table(&s, table[i][0], table[i][1]);
		for (size_t k = 0; k < found.n; k++)
			listens |= found.v[k].is_listening;
	}
	map64_free(&inodes);
	vec_free(&found);
	return listens;
}

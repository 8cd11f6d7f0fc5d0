/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "serve/serve_priv.h"

/* Time from the first packet of a connection to the last byte of the answer, however busy it looks:
 * a connection is one request, and a scrape takes milliseconds. */
#define STAY_NS 5000000000ull
#define LOOK_MS 250

void guard_init(struct guard *g)
{
	*g = (struct guard){0};
	if (getrandom(&g->seed, sizeof(g->seed), GRND_NONBLOCK) != sizeof(g->seed) || !g->seed)
		g->seed = clock_ns();
}

/* The owner of an address: one local user has all of 127.0.0.0/8, one host usually a /64. */
static uint64_t owner(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;
	const uint64_t here = 127;
	uint32_t v4 = 0;
	uint64_t half;

	if (!a || (a->sa_family != AF_INET && a->sa_family != AF_INET6))
		return 0;
	if (a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
		return here;
	if (a->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(&half, &in6->sin6_addr, sizeof(half));
		return half;
	}
	memcpy(&v4,
	       a->sa_family == AF_INET ? (const void *)&in->sin_addr : &in6->sin6_addr.s6_addr[12],
	       sizeof(v4));
	v4 = ntohl(v4);
	return v4 >> 24 == 127 ? here : v4;
}

static uint8_t group_of(const struct guard *g, const struct sockaddr *a)
{
	uint64_t state = owner(a) ^ g->seed;

	state += !state;
	random_next(&state);
	random_next(&state);
	return (uint8_t)(random_next(&state) >> 56);
}

/* Shuts a connection down: the library sees the end of the line and closes the rest. What was not
 * read by then is dropped, since the kernel would keep it for minutes. */
static void show_out(struct guard *g, struct guest *v)
{
	const struct linger none = {.l_onoff = 1};

	v->is_out = true;
	g->staying--;
	g->of_group[v->group]--;
	setsockopt(v->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	shutdown(v->fd, SHUT_RDWR);
}

static void make_way(struct guard *g)
{
	unsigned biggest = 0;

	for (unsigned i = 1; i < GUARD_GROUPS; i++)
		if (g->of_group[i] > g->of_group[biggest])
			biggest = i;
	for (size_t i = 0; i < g->n; i++)
		if (!g->guest[i].is_out && g->guest[i].group == biggest) {
			show_out(g, &g->guest[i]);
			return;
		}
}

void guard_arrived(struct guard *g, struct MHD_Connection *c, uint64_t now_ns)
{
	const union MHD_ConnectionInfo *fd, *address;
	struct guest *v;

	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	address = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!fd || g->n == GUARD_ROOM) {
		if (fd)
			shutdown(fd->connect_fd, SHUT_RDWR);
		return;
	}
	v = &g->guest[g->n++];
	*v = (struct guest){.connection = c, .fd = fd->connect_fd, .since_ns = now_ns};
	v->group = group_of(g, address ? address->client_addr : NULL);
	g->staying++;
	g->of_group[v->group]++;
	if (g->staying > GUARD_GUESTS)
		make_way(g);
}

void guard_left(struct guard *g, const struct MHD_Connection *c)
{
	size_t i = 0;

	while (i < g->n && g->guest[i].connection != c)
		i++;
	if (i == g->n)
		return;
	if (!g->guest[i].is_out) {
		g->staying--;
		g->of_group[g->guest[i].group]--;
	}
	g->n--;
	memmove(&g->guest[i], &g->guest[i + 1], (g->n - i) * sizeof(g->guest[i]));
}

int guard_look(struct guard *g, uint64_t now_ns)
{
	for (size_t i = 0; i < g->n && now_ns - g->guest[i].since_ns >= STAY_NS; i++)
		if (!g->guest[i].is_out)
			show_out(g, &g->guest[i]);
	return g->n ? LOOK_MS : -1;
}

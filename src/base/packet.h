/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets, and descriptors with them, between processes of this tool (SOCK_SEQPACKET). */
#ifndef PYLEAK_BASE_PACKET_H
#define PYLEAK_BASE_PACKET_H

#include "base/base.h"

#define PACKET_FDS 3 /* with one packet */

/* One packet with @n descriptors. Whole or not at all: 0 or a negative errno, -EPIPE when nobody is
 * there. No sentence. */
int packet_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n);
/* How long the packet is, at most @size; 0 at the end, or a negative errno. *n: how many
 * descriptors came with it; those of @fds behind them are -1. */
ssize_t packet_receive_fds(int sock, void *data, size_t size, int fds[PACKET_FDS], size_t *n);

/* The same with one descriptor or none (-1). @fd NULL: none is taken. */
int packet_send(int sock, const void *data, size_t len, int fd);
ssize_t packet_receive(int sock, void *data, size_t size, int *fd);

#endif

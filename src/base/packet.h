/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends packets, and descriptors with them, between processes of this tool (SOCK_SEQPACKET). */
#ifndef PYLEAK_BASE_PACKET_H
#define PYLEAK_BASE_PACKET_H

#include "base/base.h"

#define PACKET_FDS 3 /* most descriptors of a packet */

/* Sends one packet with @n descriptors, whole or not at all: 0 or a negative errno, without a
 * sentence; -EPIPE: the other end is closed. */
int packet_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n);
/* Receives a packet, and returns its length, at most @size; 0: the other end is closed; or a
 * negative errno, without a sentence. *n: the descriptors that came with it; the rest of @fds is
 * -1. If not all of them could come there are none. */
ssize_t packet_receive_fds(int sock, void *data, size_t size, int fds[PACKET_FDS], size_t *n);

/* The same with one descriptor or none (-1). If @fd is NULL those that come are closed. */
int packet_send(int sock, const void *data, size_t len, int fd);
ssize_t packet_receive(int sock, void *data, size_t size, int *fd);

#endif

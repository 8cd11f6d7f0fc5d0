/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets, and descriptors with them, between processes of this tool (SOCK_SEQPACKET). */
#ifndef PYLEAK_BASE_PACKET_H
#define PYLEAK_BASE_PACKET_H

#include "base/base.h"

/* One packet and, when it is not -1, the descriptor @fd. Whole or not at all: 0 or a negative
 * errno, -EPIPE when nobody is there. No sentence. */
int packet_send(int sock, const void *data, size_t len, int fd);
/* How long the packet is, at most @size; 0 at the end, or a negative errno. *fd: the descriptor
 * that came with it, or -1; NULL = none is taken. */
ssize_t packet_receive(int sock, void *data, size_t size, int *fd);

#endif

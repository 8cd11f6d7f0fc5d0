/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The messages of profile.proto, as protoc-c writes them. */
#include "profile.pb-c.c" /* NOLINT(bugprone-suspicious-include): the only place for it */

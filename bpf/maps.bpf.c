/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Defines the configuration and the maps that maps.h declares. */
#define PL_DEFINE_MAPS
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests, checks and what they need. Included by the Makefile.

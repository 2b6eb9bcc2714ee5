/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAMPOLINE_FILTER_H
#define TRAMPOLINE_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include "shim/wire.h"

/*
 * The seccomp filter an image gets that no preload reaches: the calls that could reach the network
 * become notifications to the session's helper, all others pass. It outlives every exec and is
 * inherited by every child.
 *
 * Record asks about as little as it can; in replay whatever names an address is asked about, and so
 * is every open, as files decide what names mean and who is trusted.
 */
#define FILTER_MAX 256

/* Writes the program for `mode` to `to`; its length in instructions, 0 where `max` is too small.
 * Pure. */
size_t filter_build(enum wire_mode mode, struct sock_filter *to, size_t max);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_OVERLAY_H
#define HELPER_OVERLAY_H

#include "replay/session_ca.h"
#include "replay/tape.h"

/*
 * Files that programs without the shim are given in place of the real ones in replay, when they
 * open them to read: what they resolve names with, without a network to ask, and whom they trust.
 *
 *   /etc/hosts          and every name of the recording
 *   /etc/resolv.conf    nobody to ask, and no patience
 *   /etc/nsswitch.conf  hosts from files and DNS, not from some daemon
 *   CA bundles          and the session CA: the system's, and what SSL_CERT_FILE names
 */
struct overlay;

/* `tape` and `ca` are borrowed. NULL without memory. */
struct overlay *overlay_new(const struct tape *tape, struct session_ca *ca);
void overlay_free(struct overlay *o);

/* A descriptor, the caller's, for what thread `tid` opens by `path`; -1: the file itself. */
int overlay_open(struct overlay *o, uint32_t tid, const char *path);

#endif

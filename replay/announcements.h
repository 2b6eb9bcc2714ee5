/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_ANNOUNCEMENTS_H
#define REPLAY_ANNOUNCEMENTS_H

#include <stdint.h>

/*
 * Who may connect to the peer: the source ports that traced programs said they would come from, and
 * where they meant to go. Anyone on the machine can connect to a loopback port; only these are let
 * in.
 */
struct announcements;

struct announcement {
	char *address; /* "93.184.216.34:443"; the taker's to free */
	char *name;    /* NULL: none */
	uint32_t pid;  /* 0: not known */
};

#define ANNOUNCEMENT_LIFE_NS (30ull * 1000000000)

struct announcements *announcements_new(void); /* NULL without memory */
void announcements_free(struct announcements *a);

/* A newer one for the same family and port replaces the older. 0 or -errno. */
int announcements_add(struct announcements *a, int family, uint16_t port, const char *address,
	const char *name, uint32_t pid, uint64_t now_ns);
/*
 * Takes the announcement for a connection that reached the listener of `family`. A socket of the
 * other family may arrive here (v4-mapped addresses), so that is looked for second. 0 or -ENOENT.
 */
int announcements_take(struct announcements *a, int family, uint16_t port, uint64_t now_ns,
	struct announcement *ret);

#endif

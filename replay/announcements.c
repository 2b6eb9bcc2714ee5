/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/announcements.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define BUCKETS 1024

struct entry {
	LIST_ENTRY(entry) in_bucket;
	TAILQ_ENTRY(entry) by_age;
	uint64_t made_ns;
	int family;
	uint16_t port;
	struct announcement what;
};

LIST_HEAD(bucket, entry);
TAILQ_HEAD(ages, entry);

struct announcements {
	struct bucket buckets[BUCKETS];
	struct ages ages; /* oldest first */
};

struct announcements *announcements_new(void)
{
	struct announcements *a = calloc(1, sizeof(*a));
	if (a)
		TAILQ_INIT(&a->ages);
	return a;
}

static struct announcement unlink_entry(struct announcements *a, struct entry *e)
{
	struct announcement what = e->what;
	LIST_REMOVE(e, in_bucket);
	TAILQ_REMOVE(&a->ages, e, by_age);
	free(e);
	return what;
}

static void drop(struct announcements *a, struct entry *e)
{
	struct announcement what = unlink_entry(a, e);
	free(what.address);
	free(what.name);
}

void announcements_free(struct announcements *a)
{
	if (!a)
		return;
	while (!TAILQ_EMPTY(&a->ages))
		drop(a, TAILQ_FIRST(&a->ages));
	free(a);
}

/* A source port is soon another program's: what nobody came for must not be left open. */
static void expire(struct announcements *a, uint64_t now_ns)
{
	struct entry *e;
	while ((e = TAILQ_FIRST(&a->ages)) && now_ns - e->made_ns > ANNOUNCEMENT_LIFE_NS)
		drop(a, e);
}

static struct entry *find(struct announcements *a, int family, uint16_t port)
{
	struct entry *e;
	LIST_FOREACH(e, &a->buckets[port % BUCKETS], in_bucket)
	if (e->family == family && e->port == port)
		return e;
	return NULL;
}

int announcements_add(struct announcements *a, int family, uint16_t port, const char *address,
	const char *name, uint32_t pid, uint64_t now_ns)
{
	expire(a, now_ns);
	struct entry *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->made_ns = now_ns;
	e->family = family;
	e->port = port;
	e->what.pid = pid;
	e->what.address = strdup(address);
	e->what.name = name ? strdup(name) : NULL;
	if (!e->what.address || (name && !e->what.name)) {
		free(e->what.address);
		free(e->what.name);
		free(e);
		return -ENOMEM;
	}
	struct entry *older = find(a, family, port);
	if (older)
		drop(a, older);
	LIST_INSERT_HEAD(&a->buckets[port % BUCKETS], e, in_bucket);
	TAILQ_INSERT_TAIL(&a->ages, e, by_age);
	return 0;
}

int announcements_take(struct announcements *a, int family, uint16_t port, uint64_t now_ns,
	struct announcement *ret)
{
	expire(a, now_ns);
	struct entry *e = find(a, family, port);
	if (!e)
		e = find(a, family == AF_INET ? AF_INET6 : AF_INET, port);
	if (!e)
		return -ENOENT;
	*ret = unlink_entry(a, e);
	return 0;
}

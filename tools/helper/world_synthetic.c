/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world_synthetic.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST     0xc6120001u /* 198.18.0.1 */
#define NAMES_MAX 0x1fffeu
#define LIST_MAX  4096 /* names of one replay */

struct synthetic {
	struct synthetic_options options;
	struct given {
		char *name;
		uint32_t address; /* host order */
	} * list;
	size_t count;
	uint32_t next;
};

/* A recording may be of names that got theirs so. */
static void skip_recorded(struct synthetic *s)
{
	const struct tape *t = s->options.tape;

	for (size_t i = 0; i < t->name_count; i++) {
		const struct trace_event *e = &t->names[i].event;

		for (uint32_t k = 0; k < e->resolve.count; k++) {
			uint32_t ip;

			memcpy(&ip, e->resolve.addresses[k].ip, sizeof(ip));
			ip = ntohl(ip);
			if (e->resolve.addresses[k].family == AF_INET && ip >= s->next &&
				ip < FIRST + NAMES_MAX)
				s->next = ip + 1;
		}
	}
}

struct synthetic *synthetic_new(const struct synthetic_options *options)
{
	struct synthetic *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	s->next = FIRST;
	skip_recorded(s);
	return s;
}

void synthetic_free(struct synthetic *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].name);
	free(s->list);
	free(s);
}

/* What is asked for by an address, and what is no name at all, is not ours to say. */
static bool is_name(const char *name)
{
	uint8_t ip[16];

	return *name && !strpbrk(name, " /:") && inet_pton(AF_INET, name, ip) != 1;
}

static struct given *find(const struct synthetic *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcasecmp(s->list[i].name, name) == 0)
			return &s->list[i];
	}
	return NULL;
}

static struct given *give(struct synthetic *s, const char *name)
{
	bool local = strcasecmp(name, "localhost") == 0;
	struct given *grown;

	if (s->count == LIST_MAX || s->next >= FIRST + NAMES_MAX)
		return NULL;
	grown = realloc(s->list, (s->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	s->list = grown;
	grown += s->count;
	*grown = (struct given){strdup(name), local ? INADDR_LOOPBACK : s->next};
	if (!grown->name)
		return NULL;
	s->next += !local;
	s->count++;
	return grown;
}

bool synthetic_address(struct synthetic *s, const char *name, uint8_t ret[static 4])
{
	struct given *g = s ? find(s, name) : NULL;
	bool fresh = !g;
	uint32_t ip;

	if (s && !g && is_name(name) && live_policy_may_reach(s->options.policy, span_of(name)))
		g = give(s, name);
	if (!g)
		return false;
	ip = htonl(g->address);
	memcpy(ret, &ip, sizeof(ip));
	if (fresh)
		s->options.given(s->options.context, g->name, ret);
	return true;
}

const char *synthetic_name(const struct synthetic *s, const uint8_t ip[static 4])
{
	uint32_t address;

	memcpy(&address, ip, sizeof(address));
	for (size_t i = 0; s && i < s->count; i++) {
		if (s->list[i].address == ntohl(address))
			return s->list[i].name;
	}
	return NULL;
}

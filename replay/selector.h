/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SELECTOR_H
#define REPLAY_SELECTOR_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Which calls are meant: "kind=llm,host=*.example.com,path=…,provider=…,model=…,method=…", all of
 * which must hold; the values are shell patterns. A word alone is a host.
 */
enum selector_kind {
	SELECTOR_ANY,
	SELECTOR_LLM,  /* a request that a provider of language models answers */
	SELECTOR_TOOL, /* one of the Model Context Protocol */
	SELECTOR_HTTP, /* any request, those included */
	SELECTOR_DNS,  /* a question for a name */
	SELECTOR_KIND_MAX
};

struct selector {
	enum selector_kind kind;
	char *host, *path, *provider, *model, *method; /* NULL: any */
};

#define SELECTOR_MESSAGE_MAX 256

/* 0; -EINVAL, and what is wrong in `message`; or -ENOMEM. */
int selector_parse(
	const char *text, struct selector *ret, char message[static SELECTOR_MESSAGE_MAX]);
void selector_free(struct selector *s);

/* A call, as far as it is known; spans without data: not (yet). */
struct selector_facts {
	enum selector_kind kind; /* the narrowest: LLM, TOOL, HTTP or DNS */
	struct span method;
	struct span authority; /* "host[:port]" */
	struct span path;      /* without the query */
	struct span model;
	const char *provider; /* NULL: none is known */
};
bool selector_matches(const struct selector *s, const struct selector_facts *facts);
/* Whether some call to this host could match. */
bool selector_may_match_host(const struct selector *s, struct span authority);
/* Whether every name or call of this host does, as far as names are concerned. */
bool selector_covers_name(const struct selector *s, struct span authority);

#endif

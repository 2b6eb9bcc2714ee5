/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "tools/helper/live_calls_private.h"

/*
 * A program connects to an address, and means a name by it. The address is the recording's, or made
 * up (world_synthetic.h): the name is what has to be looked up now. An address that no name led to
 * is where it goes.
 */

/* "host:port", "[::1]:443"; the port may be missing. */
static int split(const char *text, size_t len, char **ret_host, unsigned int *ret_port)
{
	bool bracket = len && text[0] == '[';
	const char *end = bracket ? memchr(text, ']', len) : memrchr(text, ':', len);
	const char *start = text + bracket, *colon;

	if (bracket && !end)
		return -EINVAL;
	if (!end)
		end = text + len;
	*ret_host = strndup(start, (size_t)(end - start));
	colon = end + bracket;
	if (colon < text + len && *colon == ':')
		*ret_port = (unsigned int)strtoul(colon + 1, NULL, 10);
	return *ret_host ? 0 : -ENOMEM;
}

static bool is_http_host(const char *host)
{
	return *host && !strpbrk(host, " /?#@\\%\r\n");
}

/* It has addresses of both families, of which a server mostly has one. */
static bool is_localhost(const char *literal, const char *host)
{
	return strcasecmp(host, "localhost") == 0 &&
		(strcmp(literal, "::1") == 0 || strncmp(literal, "127.", 4) == 0);
}

static int choose(const struct live_calls *l, const struct live_request *q, char *literal,
	struct live_target *t)
{
	bool meant = strcmp(literal, t->host) == 0 || is_localhost(literal, t->host) ||
		l->options.means(l->options.context, literal, t->host);
	const char *to = meant ? NULL : q->name ? q->name : literal;

	t->to = to ? strdup(to) : NULL;
	return to && !t->to ? -ENOMEM : 0;
}

int live_target(const struct live_calls *l, const struct live_request *q, struct live_target *ret)
{
	unsigned int ignored;
	char *literal = NULL;
	int r;

	*ret = (struct live_target){
		.port = span_equal(q->scheme, SPAN_LITERAL("https")) ? 443 : 80};
	if (q->sni)
		ret->host = strdup(q->sni);
	else
		(void)split(
			(const char *)q->authority.data, q->authority.len, &ret->host, &ignored);
	r = split(q->address, strlen(q->address), &literal, &ret->port);
	if (r == 0 && (!ret->host || !is_http_host(ret->host) || !*literal))
		r = -EINVAL;
	r = r ? r : choose(l, q, literal, ret);
	free(literal);
	if (r)
		live_target_free(ret);
	return r;
}

void live_target_free(struct live_target *t)
{
	free(t->host);
	free(t->to);
	*t = (struct live_target){0};
}

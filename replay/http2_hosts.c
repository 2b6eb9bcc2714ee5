/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http2_hosts.h"

#include <stdlib.h>
#include <string.h>

/* One exchange stands for all with the same protocol, authority and address. */
struct http2_hosts {
	const struct exchange **list;
	size_t count;
};

static bool is_known(const struct http2_hosts *h, const struct exchange *x)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->list[i]->protocol == x->protocol &&
			!strcmp(h->list[i]->authority, x->authority) &&
			!strcmp(h->list[i]->address, x->address))
			return true;
	return false;
}

static int add(struct http2_hosts *h, const struct exchange *x)
{
	const struct exchange **grown = realloc(h->list, (h->count + 1) * sizeof(*h->list));
	if (!grown)
		return -1;
	h->list = grown;
	h->list[h->count++] = x;
	return 0;
}

struct http2_hosts *http2_hosts_new(const struct tape *t)
{
	struct http2_hosts *h = calloc(1, sizeof(*h));
	for (size_t i = 0; h && i < t->exchange_count; i++) {
		const struct exchange *x = t->exchanges[i];
		if (!x->tls || is_known(h, x))
			continue;
		if (add(h, x) < 0) {
			http2_hosts_free(h);
			return NULL;
		}
	}
	return h;
}

void http2_hosts_free(struct http2_hosts *h)
{
	if (!h)
		return;
	free(h->list);
	free(h);
}

/* "443" of "host", "8443" of "host:8443" and "[::1]:8443". */
static const char *port_of(const char *authority)
{
	const char *bracket = strrchr(authority, ']');
	const char *colon = strrchr(bracket ? bracket : authority, ':');
	return colon ? colon + 1 : "443";
}

/* `host` may be an IPv6 address without its brackets. */
static bool is_host_of(const char *authority, const char *host)
{
	size_t len = strlen(host);
	authority += *authority == '[';
	return !strncasecmp(authority, host, len) &&
		(!authority[len] || authority[len] == ':' || authority[len] == ']');
}

/* Through a proxy the address is the proxy's and its port says nothing of the host's. */
static bool is_same_server(const struct exchange *x, const char *host, const char *address)
{
	return is_host_of(x->authority, host) &&
		(!strcmp(x->address, address) || !strcmp(port_of(x->authority), port_of(address)));
}

static bool is_of(const struct exchange *x, const char *name, const char *host, const char *address)
{
	return is_same_server(x, name ? name : host, address) ||
		(!name && !strcmp(x->address, address));
}

bool http2_hosts_has(
	const struct http2_hosts *h, const char *name, const char *host, const char *address)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->list[i]->protocol == TAPE_HTTP2 && is_of(h->list[i], name, host, address))
			return true;
	return false;
}

bool http2_hosts_know(
	const struct http2_hosts *h, const char *name, const char *host, const char *address)
{
	for (size_t i = 0; i < h->count; i++)
		if (is_of(h->list[i], name, host, address))
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/authority.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void strip_suffix(char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);
	if (len > tail && !strcmp(text + len - tail, suffix))
		text[len - tail] = '\0';
}

char *request_authority(const struct http1_head *head, bool tls, const char *fallback)
{
	struct span host = http1_header(head, "host");
	char *authority = span_dup(host.len ? host : span_of(fallback));
	if (!authority)
		return NULL;
	for (char *at = authority; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	/* An IPv6 literal ends in ']' before its port, so ":80" inside one is never taken for it.
	 */
	strip_suffix(authority, tls ? ":443" : ":80");
	return authority;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include "replay/authority.h"

/* A request that has come, whatever it was spoken in: what the recording has for it. */

struct span ask_body_span(const struct ask_body *b)
{
	return (struct span){b->bytes.data, b->bytes.len};
}

void ask_body_free(struct ask_body *b)
{
	buffer_free(&b->bytes);
	XXH3_freeState(b->digest);
	*b = (struct ask_body){0};
}

int ask_body_take(struct ask_body *b, struct span data)
{
	b->length += data.len;
	b->bytes.max = CANON_BODY_MAX;
	if (!b->digest && b->length <= CANON_BODY_MAX)
		return buffer_append(&b->bytes, data.data, data.len);
	if (!b->digest) {
		b->digest = XXH3_createState();
		if (!b->digest || XXH3_128bits_reset(b->digest) == XXH_ERROR)
			return -ENOMEM;
		XXH3_128bits_update(b->digest, b->bytes.data, b->bytes.len);
		buffer_free(&b->bytes);
	}
	XXH3_128bits_update(b->digest, data.data, data.len);
	return 0;
}

/*
 * Whom the client means, where its request does not say. The announced name is left out: a
 * recording does not know it, and both must come to the same authority.
 */
static const char *fallback_authority(const struct connection *c)
{
	const char *sni =
		c->stream.ssl ? SSL_get_servername(c->stream.ssl, TLSEXT_NAMETYPE_host_name) : NULL;
	return sni ? sni : c->address;
}

static struct span scheme_of(const struct connection *c)
{
	return c->stream.ssl ? SPAN_LITERAL("https") : SPAN_LITERAL("http");
}

static void describe(const struct connection *c, const struct http1_head *head,
	const char *authority, const struct ask_body *body, struct canon_input *ret)
{
	peer_asked(c->peer);
	*ret = (struct canon_input){
		.scheme = scheme_of(c),
		.authority = span_of(authority),
		.head = head,
		.body = {body->bytes.data, body->bytes.len},
		.body_elided = body->digest != NULL,
		.length = body->length,
	};
	if (!body->digest)
		return;
	XXH128_canonical_t digest;
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(body->digest));
	_Static_assert(sizeof(digest.digest) == sizeof(ret->digest), "XXH3-128");
	memcpy(ret->digest, digest.digest, sizeof(ret->digest));
}

static int report(const struct connection *c, int error, const struct match *match)
{
	const struct peer_options *options = &c->peer->options;
	if (error == 0 && options->on_match)
		options->on_match(options->context, match);
	if (error == 0 && match_is_miss(match) && options->on_miss)
		options->on_miss(options->context, match);
	return error;
}

void ask_served(const struct connection *c, const struct exchange *exchange, uint64_t asked_ns,
	uint64_t first_ns)
{
	const struct peer_options *options = &c->peer->options;
	struct peer_served served = {exchange, asked_ns, first_ns, monotonic_ns()};
	if (!served.first_ns)
		served.first_ns = served.last_ns;
	if (options->on_served && exchange)
		options->on_served(options->context, &served);
}

int ask(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	struct match *ret)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	struct canon_input input;
	*ret = (struct match){0};
	c->peer->stats.requests++;
	c->spoke = true;
	if (!authority)
		return -ENOMEM;
	describe(c, head, authority, body, &input);
	int r = match_next(c->peer->options.matcher, &input, ret);
	free(authority);
	return report(c, r, ret);
}

int ask_early(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	struct match_early *ret)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	struct canon_input input;
	*ret = (struct match_early){0};
	if (!authority)
		return -ENOMEM;
	describe(c, head, authority, body, &input);
	int r = match_early(c->peer->options.matcher, &input, ret);
	free(authority);
	return r;
}

int ask_early_end(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	const struct exchange *taken, bool only, struct match *ret)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	struct canon_input input;
	*ret = (struct match){0};
	if (!authority)
		return -ENOMEM;
	describe(c, head, authority, body, &input);
	int r = match_early_end(c->peer->options.matcher, &input, taken, only, ret);
	free(authority);
	return report(c, r, ret);
}

int ask_ahead(struct connection *c, const struct http1_head *head, struct ask_advice *ret)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	if (!authority)
		return -ENOMEM;
	const struct exchange *likely =
		match_peek(c->peer->options.matcher, scheme_of(c), span_of(authority), head);
	free(authority);
	size_t recorded = likely ? playback_continue_bytes(likely->interim) : 0;
	*ret = (struct ask_advice){0};
	if (recorded)
		ret->interim = (struct span){likely->interim.data, recorded};
	else if (!likely) /* let it send the body, so that the miss can be explained by it */
		ret->interim = SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n");
	else /* the recorded server answered without wanting the body */
		ret->answer = !likely->request.body_bytes;
	return 0;
}

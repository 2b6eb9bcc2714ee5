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
	b->bytes.max = b->keep ? LIVE_BODY_MAX : CANON_BODY_MAX;
	if (!b->digest && b->length <= CANON_BODY_MAX)
		return buffer_append(&b->bytes, data.data, data.len);
	if (!b->digest) {
		b->digest = XXH3_createState();
		if (!b->digest || XXH3_128bits_reset(b->digest) == XXH_ERROR)
			return -ENOMEM;
		XXH3_128bits_update(b->digest, b->bytes.data, b->bytes.len);
	}
	XXH3_128bits_update(b->digest, data.data, data.len);
	b->keep &= b->length <= LIVE_BODY_MAX;
	if (b->keep)
		return buffer_append(&b->bytes, data.data, data.len);
	buffer_free(&b->bytes);
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
		.body = body->digest ? (struct span){0}
				     : (struct span){body->bytes.data, body->bytes.len},
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

char *ask_describe_live(const struct connection *c, const struct http1_head *head,
	const struct ask_body *body, struct live_request *ret)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	if (!authority)
		return NULL;
	*ret = (struct live_request){
		.scheme = scheme_of(c),
		.authority = span_of(authority),
		.head = head,
		.body = body ? (struct span){body->bytes.data, body->bytes.len} : (struct span){0},
		.whole = body != NULL,
		.http2 = c->tongue == &tongue_http2,
		.address = c->address,
		.name = c->name,
		.sni = c->stream.ssl ? SSL_get_servername(c->stream.ssl, TLSEXT_NAMETYPE_host_name)
				     : NULL,
		.pid = c->pid,
	};
	return authority;
}

static bool is_connect(const struct http1_head *head)
{
	return span_equal(head->method, SPAN_LITERAL("CONNECT"));
}

/* A server may always go on in HTTP/1.1 where HTTP/2 is offered so. */
static bool asks_for_another_protocol(const struct http1_head *head)
{
	return head->upgrade && !is_connect(head) &&
		!span_equal_nocase(http1_header(head, "upgrade"), "h2c");
}

/* What cannot be sent on is never live. `body`: NULL, it has not come. */
static enum live_choice choose(
	const struct connection *c, const struct http1_head *head, const struct ask_body *body)
{
	const struct live *live = c->peer->options.live;
	struct live_request request;
	char *authority = live ? ask_describe_live(c, head, body, &request) : NULL;
	enum live_choice choice = LIVE_NEVER;
	if (authority && is_connect(head))
		/* What is said inside is what may be live. */
		choice = request.http2 ? LIVE_NEVER : LIVE_IF_MISSED;
	else if (authority && !asks_for_another_protocol(head) &&
		(!body || !body->digest || body->keep))
		choice = live->choose(live->context, &request);
	free(authority);
	return choice;
}

bool ask_is_live(const struct connection *c, const struct http1_head *head)
{
	return choose(c, head, NULL) == LIVE_NOW;
}

/* Where the recording has no answer: whether the real server is asked for one after all, or not. */
static void settle(struct connection *c, const struct http1_head *head, enum live_choice choice,
	struct match *match)
{
	const struct live *live = c->peer->options.live;
	struct matcher *matcher = c->peer->options.matcher;
	bool out = match_is_live(match), may = choice == LIVE_IF_MISSED;
	if (match->exchange)
		return;
	if (may && is_connect(head))
		may = live->may_reach(live->context, head->target);
	else if (may)
		may = out || (match->outcome == MATCH_SINK_UNRECORDED && live->takes_sinks);
	if (may && !out)
		match_send_out(matcher, match);
	else if (out && !may)
		match_keep_in(matcher, match);
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

void ask_say_never_live(const struct connection *c, struct match *match, const char *what)
{
	const char *message = json_string_value(json_object_get(match->explanation, "message"));
	if (c->peer->options.live && message)
		json_object_set_new(match->explanation, "message",
			json_sprintf("%s; %s is never live", message, what));
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
	enum live_choice choice = choose(c, head, body);
	int r = 0;
	if (choice == LIVE_NOW)
		ret->outcome = MATCH_LIVE;
	else
		r = match_next(c->peer->options.matcher, &input, ret);
	if (r == 0 && choice != LIVE_NOW)
		settle(c, head, choice, ret);
	if (asks_for_another_protocol(head) && match_is_miss(ret))
		ask_say_never_live(c, ret, "another protocol than HTTP");
	free(authority);
	return report(c, r, ret);
}

int ask_early(struct connection *c, const struct http1_head *head, const struct ask_body *body,
	struct match_early *ret)
{
	struct canon_input input;
	*ret = (struct match_early){0};
	if (ask_is_live(c, head))
		return 0;
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
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
	if (r == 0)
		settle(c, head, only ? LIVE_NEVER : choose(c, head, body), ret);
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
	if (ask_is_live(c, head))
		likely = NULL;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "replay/authority.h"

/* What comes in: requests are put together, matched, and what they are owed is queued in order. */

struct request {
	struct http1_parser *parser;
	struct buffer body;   /* content, until it passes CANON_BODY_MAX */
	XXH3_state_t *digest; /* from then on */
	uint64_t length;
	bool continued; /* a 100 Continue has been sent for it */
	bool answered;  /* before its body came; the body is dropped */
};

static const char *const miss_sentences[MATCH_OUTCOME_MAX] = {
	[MATCH_USED_UP] = "Every recorded answer to this request has been served already.",
	[MATCH_DIFFERENT] =
		"A request to this endpoint was recorded, but this one differs from it.",
	[MATCH_NO_ENDPOINT] = "This method and path were never recorded for this host.",
	[MATCH_NO_HOST] = "This host was never recorded.",
};

void request_free(struct request *q)
{
	if (!q)
		return;
	http1_free(q->parser);
	buffer_free(&q->body);
	XXH3_freeState(q->digest);
	free(q);
}

static struct request *request_new(void)
{
	struct request *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->body = BUFFER(CANON_BODY_MAX);
	q->parser = http1_new(HTTP1_REQUEST);
	if (q->parser)
		return q;
	free(q);
	return NULL;
}

bool request_awaited(const struct request *q)
{
	return q && !q->answered;
}

/* Ready for the next message on the same parser. */
static void request_reset(struct request *q)
{
	buffer_free(&q->body);
	XXH3_freeState(q->digest);
	*q = (struct request){.parser = q->parser, .body = BUFFER(CANON_BODY_MAX)};
}

static int request_take_body(struct request *q, struct span data)
{
	q->length += data.len;
	if (q->answered)
		return 0;
	if (!q->digest && q->length <= CANON_BODY_MAX)
		return buffer_append(&q->body, data.data, data.len);
	if (!q->digest) {
		q->digest = XXH3_createState();
		if (!q->digest || XXH3_128bits_reset(q->digest) == XXH_ERROR)
			return -ENOMEM;
		XXH3_128bits_update(q->digest, q->body.data, q->body.len);
		buffer_free(&q->body);
	}
	XXH3_128bits_update(q->digest, data.data, data.len);
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

static char *explain_miss(const struct match *match)
{
	json_t *text = json_object_get(match->explanation, "message");
	const char *message =
		json_is_string(text) ? json_string_value(text) : miss_sentences[match->outcome];
	json_t *body = json_pack("{s:{s:s,s:s,s:s,s:n},s:O?}", "error", "type",
		"rrshim_replay_mismatch", "code", match_outcome_name(match->outcome), "message",
		message, "param", "rrshim", match->explanation);
	char *encoded = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return encoded;
}

static int write_miss(const struct match *match, const struct http1_head *head, struct buffer *out)
{
	char *body = explain_miss(match);
	if (!body)
		return -ENOMEM;
	*out = BUFFER(SIZE_MAX);
	int r = buffer_printf(out,
		"HTTP/1.1 400 Bad Request\r\n"
		"Content-Type: application/json\r\n"
		"x-should-retry: false\r\n"
		"x-rrshim: replay-mismatch\r\n"
		"Connection: %s\r\n"
		"Content-Length: %zu\r\n"
		"\r\n",
		head->keep_alive ? "keep-alive" : "close", strlen(body));
	if (r == 0 && !span_equal(head->method, SPAN_LITERAL("HEAD")))
		r = buffer_append(out, body, strlen(body));
	free(body);
	return r;
}

static void reply_miss(struct connection *c, struct match *match, const struct http1_head *head)
{
	const struct peer_options *options = &c->peer->options;
	if (options->on_miss)
		options->on_miss(options->context, match);
	struct reply *reply = serve_add_reply(c);
	if (reply) {
		reply->last = !head->keep_alive;
		c->dead |= write_miss(match, head, &reply->bytes) < 0;
	}
}

static void reply_exchange(struct connection *c, const struct exchange *exchange)
{
	struct reply *reply = serve_add_reply(c);
	if (!reply)
		return;
	reply->exchange = exchange;
	if (c->request->continued)
		reply->interim_sent = playback_continue_bytes(exchange->interim);
	/* After an upgrade or CONNECT the bytes are no longer HTTP. */
	c->deaf |= exchange->response.head && exchange->response.head->upgrade;
}

static void describe(const struct connection *c, const struct http1_head *head,
	const char *authority, struct canon_input *ret)
{
	const struct request *q = c->request;
	*ret = (struct canon_input){
		.scheme = scheme_of(c),
		.authority = span_of(authority),
		.head = head,
		.body = {q->body.data, q->body.len},
		.body_elided = q->digest != NULL,
		.length = q->length,
	};
	if (!q->digest)
		return;
	XXH128_canonical_t digest;
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(q->digest));
	_Static_assert(sizeof(digest.digest) == sizeof(ret->digest), "XXH3-128");
	memcpy(ret->digest, digest.digest, sizeof(ret->digest));
}

static void answer(struct connection *c)
{
	const struct http1_head *head = http1_head(c->request->parser);
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	struct canon_input input;
	struct match match = {0};
	c->peer->stats.requests++;
	c->spoke = true;
	c->request->answered = true;
	if (!authority) {
		c->dead = true;
		return;
	}
	describe(c, head, authority, &input);
	if (match_next(c->peer->options.matcher, &input, &match) < 0)
		c->dead = true;
	else if (match.exchange)
		reply_exchange(c, match.exchange);
	else
		reply_miss(c, &match, head);
	json_decref(match.explanation);
	free(authority);
}

/* Interim heads go out at once: the client holds its body back for them. */
static void send_interim(struct connection *c, struct span interim)
{
	struct reply *reply = serve_add_reply(c);
	if (!reply)
		return;
	c->request->continued = true;
	reply->bytes = BUFFER(SIZE_MAX);
	c->dead |= buffer_append(&reply->bytes, interim.data, interim.len) < 0;
}

static void expect_continue(struct connection *c, const struct http1_head *head)
{
	char *authority = request_authority(head, c->stream.ssl, fallback_authority(c));
	if (!authority) {
		c->dead = true;
		return;
	}
	const struct exchange *likely =
		match_peek(c->peer->options.matcher, scheme_of(c), span_of(authority), head);
	free(authority);
	size_t recorded = likely ? playback_continue_bytes(likely->interim) : 0;
	if (recorded) {
		send_interim(c, (struct span){likely->interim.data, recorded});
	} else if (!likely) {
		/* Let it send the body, so that the miss can be explained by it. */
		send_interim(c, SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
	} else if (!likely->request.body_bytes) {
		answer(c); /* the recorded server answered without wanting the body */
	}
	/* Else the client sent its body without being told to, and will again. */
}

static void request_error(struct connection *c)
{
	if (!c->spoke) {
		c->peer->stats.not_http++;
		stream_reset(&c->stream);
		c->dead = true;
	}
	c->deaf = true;
	c->leaving = true;
}

static void request_step(struct connection *c, enum http1_event event, struct span raw, bool more)
{
	struct request *q = c->request;
	switch (event) {
	case HTTP1_HEAD: {
		const struct http1_head *head = http1_head(q->parser);
		if (head->expect_continue && head->body != HTTP1_BODY_NONE && !more)
			expect_continue(c, head);
		break;
	}
	case HTTP1_DATA:
		c->dead |= request_take_body(q, raw) < 0;
		break;
	case HTTP1_END:
		if (!q->answered)
			answer(c);
		request_reset(q);
		break;
	case HTTP1_ERROR:
		request_error(c);
		break;
	default:
		break;
	}
}

void request_feed(struct connection *c, struct span input)
{
	enum http1_event event = HTTP1_END;
	/* The rest of a request that was answered early does not keep the connection. */
	if (c->ending.revocable && (!c->request || request_awaited(c->request)))
		c->ending = (struct ending){.kind = ENDING_NONE};
	if (!c->request)
		c->request = request_new();
	if (!c->request)
		c->dead = true;
	while (!c->dead && !c->deaf && (input.len || event != HTTP1_END)) {
		struct span raw;
		event = http1_next(c->request->parser, &input, &raw);
		request_step(c, event, raw, input.len > 0);
		if (event == HTTP1_MORE)
			return;
	}
	/* Between messages, and nothing of the next one here: an idle connection holds nothing. */
	request_free(c->request);
	c->request = NULL;
}

static void http1_drop(struct connection *c)
{
	request_free(c->request);
	serve_drop_replies(c);
}

const struct tongue tongue_http1 = {request_feed, serve, http1_drop};

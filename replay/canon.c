/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

/* A line's prefix may be longer than the parameter it is for. */
#define HEAD_LINES_MAX (16 * HTTP1_HEAD_BYTES_MAX)

static const uint8_t *find(struct span s, const char *text)
{
	return s.len ? memmem(s.data, s.len, text, strlen(text)) : NULL;
}

static struct span skip(struct span s, size_t len)
{
	return len ? (struct span){s.data + len, s.len - len} : s;
}

/* A request to a proxy names the whole URL; the authority is known without it. */
static struct span without_authority(struct span target)
{
	const uint8_t *colon = target.len && target.data[0] != '/' ? find(target, "://") : NULL;
	const uint8_t *slash;
	struct span rest;

	if (!colon)
		return target;
	rest = skip(target, (size_t)(colon - target.data) + 3);
	slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
	return slash ? skip(rest, (size_t)(slash - rest.data)) : SPAN_LITERAL("/");
}

/* Cuts `target` at the question mark; an empty query is none. */
static struct span split_query(struct span *target)
{
	const uint8_t *mark = target->len ? memchr(target->data, '?', target->len) : NULL;
	struct span query = {0};

	if (!mark)
		return query;
	query = skip(*target, (size_t)(mark - target->data) + 1);
	target->len = (size_t)(mark - target->data);
	return query;
}

static int append_span(struct buffer *out, struct span s)
{
	return buffer_append(out, s.data, s.len);
}

static int append_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static int request_line(const struct canon_input *in, struct span path, struct buffer *out)
{
	int r = append_span(out, in->head->method);

	r = r ? r : append_text(out, " ");
	r = r ? r : append_span(out, in->scheme);
	r = r ? r : append_text(out, "://");
	r = r ? r : append_span(out, in->authority);
	r = r ? r : canon_percent(path, out);
	return r ? r : append_text(out, "\n");
}

/* More parameters than can be sorted are compared as they are. */
static int query_lines(struct span query, struct buffer *out)
{
	size_t before = out->len;
	int r = query.len ? canon_pairs(query, "query ", out) : 0;

	if (r != -E2BIG)
		return r;
	out->len = before;
	r = append_text(out, "query ");
	r = r ? r : append_span(out, query);
	return r ? r : append_text(out, "\n");
}

static int elided_body(const struct canon_input *in, struct buffer *out)
{
	int r = append_text(out, "body-digest ");

	for (size_t i = 0; i < sizeof(in->digest) && !r; i++)
		r = buffer_printf(out, "%02x", in->digest[i]);
	return r ? r : buffer_printf(out, " %" PRIu64 "\n", in->length);
}

/* Everything but the body. */
static int head_lines(const struct canon_input *in, struct buffer *out)
{
	struct span path = without_authority(in->head->target);
	struct span query = split_query(&path);
	int r = request_line(in, path, out);

	r = r ? r : query_lines(query, out);
	r = r ? r : canon_headers(in->head, out);
	return r ? r : append_text(out, "\n");
}

static int marked_head_lines(const struct canon_input *in, struct buffer *out)
{
	struct buffer lines = BUFFER(HEAD_LINES_MAX);
	int r = head_lines(in, &lines);

	r = r ? r : canon_mark_secrets((struct span){lines.data, lines.len}, out);
	buffer_free(&lines);
	return r;
}

/*
 * A recorded head has no secrets any more and the one about to be asked has: both go through the
 * redactor, so both come out the same. What it makes unreadable, it made so in the recording too.
 */
int canon_request(const struct canon_input *in, struct buffer *out)
{
	struct canon_input redacted = *in;
	struct buffer raw = {0};
	struct http1_head head;
	size_t before = out->len;
	int r = canon_redact_head(in->head, &raw, &head);

	if (!r)
		redacted.head = &head;
	r = r == -ENOMEM ? r : marked_head_lines(&redacted, out);
	if (!r && in->body_elided)
		r = elided_body(in, out);
	else if (!r)
		r = canon_body(redacted.head, in->body, out);
	if (r)
		out->len = before;
	buffer_free(&raw);
	return r;
}

struct call_key canon_key(struct span form)
{
	XXH128_canonical_t bytes;
	struct call_key key;

	XXH128_canonicalFromHash(&bytes, XXH3_128bits(form.data, form.len));
	_Static_assert(sizeof(bytes) == sizeof(key), "a key is one XXH3-128");
	memcpy(&key, &bytes, sizeof(key));
	return key;
}

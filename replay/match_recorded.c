/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

static struct span scheme_of(const struct exchange *x)
{
	return x->tls ? SPAN_LITERAL("https") : SPAN_LITERAL("http");
}

static int hash_content(void *context, struct span content)
{
	return XXH3_128bits_update(context, content.data, content.len) == XXH_OK ? 0 : -ENOMEM;
}

int match_body_digest(const struct tape *t, const struct tape_message *m, struct call_key *ret)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t digest;
	int r;

	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	r = tape_visit_body(t, m, hash_content, state);
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
	memcpy(ret, &digest, sizeof(*ret));
	XXH3_freeState(state);
	return r;
}

static int with_digest(
	const struct tape *t, const struct exchange *x, struct canon_input *in, struct buffer *out)
{
	struct call_key digest;
	int r = match_body_digest(t, &x->request, &digest);

	memcpy(in->digest, &digest, sizeof(in->digest));
	in->body_elided = true;
	return r ? r : canon_request(in, out);
}

static int with_length(struct canon_input *in, struct buffer *out)
{
	int r = canon_request(in, out);

	return r ? r : buffer_printf(out, "(%" PRIu64 " bytes, not compared)", in->length);
}

static int with_body(
	const struct tape *t, const struct exchange *x, struct canon_input *in, struct buffer *out)
{
	struct buffer body = BUFFER(CANON_BODY_MAX);
	int r = tape_read_body(t, &x->request, &body);

	in->body = (struct span){body.data, body.len};
	r = r ? r : canon_request(in, out);
	buffer_free(&body);
	return r;
}

int match_recorded_form(
	const struct tape *t, const struct exchange *x, size_t body_max, struct buffer *out)
{
	struct canon_input in = {
		.scheme = scheme_of(x),
		.authority = span_of(x->authority),
		.head = x->request.head,
		.length = x->request.body_bytes,
	};

	if (in.length <= body_max)
		return with_body(t, x, &in, out);
	return body_max < CANON_BODY_MAX ? with_length(&in, out) : with_digest(t, x, &in, out);
}

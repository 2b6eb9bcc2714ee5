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

bool match_form_line(struct span *lines, struct span *ret)
{
	const uint8_t *lf = lines->len ? memchr(lines->data, '\n', lines->len) : NULL;
	size_t len;

	if (!lf)
		return false;
	len = (size_t)(lf - lines->data);
	*ret = (struct span){lines->data, len};
	*lines = (struct span){lf + 1, lines->len - len - 1};
	return true;
}

struct span match_line_method(struct span line)
{
	const uint8_t *space = line.len ? memchr(line.data, ' ', line.len) : NULL;

	return (struct span){line.data, space ? (size_t)(space - line.data) : line.len};
}

struct span match_line_authority(struct span line)
{
	const uint8_t *start = line.len ? memmem(line.data, line.len, "://", 3) : NULL;
	struct span rest = {line.data, 0};
	const uint8_t *slash;

	if (!start)
		return rest;
	rest = (struct span){start + 3, (size_t)(line.data + line.len - start) - 3};
	slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
	if (slash)
		rest.len = (size_t)(slash - rest.data);
	return rest;
}

struct span match_line_path(struct span line)
{
	struct span authority = match_line_authority(line);
	const uint8_t *path = authority.data + authority.len;

	return (struct span){path, (size_t)(line.data + line.len - path)};
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

/* Takes the lines with that prefix off the front. */
static struct span take_lines(struct span *rest, const char *prefix)
{
	struct span taken = {rest->data, 0}, line;

	while (begins(*rest, prefix) && match_form_line(rest, &line))
		taken.len += line.len + 1;
	return taken;
}

void match_form_split(struct span text, struct match_form *ret)
{
	struct span rest = text, empty;

	*ret = (struct match_form){0};
	match_form_line(&rest, &ret->line);
	ret->queries = take_lines(&rest, "query ");
	ret->url = (struct span){text.data, text.len - rest.len};
	ret->headers = take_lines(&rest, "header ");
	match_form_line(&rest, &empty);
	ret->body = rest;
}

void match_form_parse(struct span text, struct match_form *ret)
{
	match_form_split(text, ret);
	if (begins(ret->body, "{") || begins(ret->body, "["))
		ret->json = json_loadb(
			(const char *)ret->body.data, ret->body.len, JSON_ALLOW_NUL, NULL);
}

void match_form_free(struct match_form *form)
{
	json_decref(form->json);
	form->json = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <string.h>

/*
 * Requests whose client waits for an answer before it goes on: found by their heads and what has
 * come of their bodies, compared as a whole at their end.
 */

#define COMPARED_MAX (64u << 10) /* of a body's beginning, to choose by */

/* Bytes of a body as the normalised form has them. */
static int same_normalised(const struct matcher *m, struct span recorded, struct span actual)
{
	struct buffer x = BUFFER(CANON_NORMAL_MAX), y = BUFFER(CANON_NORMAL_MAX);
	struct span line = {0};
	int r = canon_normalise_message(recorded, line, &m->options.recorded, &x);

	r = r ? r : canon_normalise_message(actual, line, &m->options.live, &y);
	r = r ? r : span_equal((struct span){x.data, x.len}, (struct span){y.data, y.len});
	buffer_free(&x);
	buffer_free(&y);
	return r;
}

int match_goes_on(const struct matcher *m, const struct exchange *taken, struct tape_place *at,
	struct span bytes)
{
	const struct tape_message *request = &taken->request;
	struct buffer recorded = BUFFER(SIZE_MAX);
	int r = tape_read_on(m->tape, request, at, bytes.len, &recorded);
	struct span expected = {recorded.data, recorded.len};

	/* What would have followed where it was cut is not known. */
	if (!r && !request->complete && expected.len < bytes.len)
		bytes.len = expected.len;
	if (!r)
		r = span_equal(expected, bytes) || same_normalised(m, expected, bytes);
	buffer_free(&recorded);
	return r;
}

static bool begins_with(const struct matcher *m, const struct exchange *x, struct span body)
{
	struct tape_place start = {0};

	if (body.len > COMPARED_MAX)
		body.len = COMPARED_MAX;
	return match_goes_on(m, x, &start, body) == 1;
}

static bool has_head(
	const struct match_call *call, const struct match_request *q, enum match_key kind)
{
	return call->servable && !call->served && !call->sink &&
		memcmp(&call->heads[kind], &q->heads[kind], sizeof(call->heads[kind])) == 0;
}

/* The first with that head whose body begins as this one, or else the first. NULL: none. */
static struct match_call *find_likely(
	struct matcher *m, const struct match_request *q, const struct canon_input *request)
{
	struct match_call *first = NULL;

	for (enum match_key kind = KEY_CANONICAL; kind <= KEY_NORMALISED; kind++) {
		for (size_t i = 0; i < m->count; i++) {
			struct match_call *call = &m->calls[i];

			if (!has_head(call, q, kind))
				continue;
			if (!request->body_elided && begins_with(m, call->exchange, request->body))
				return call;
			first = first ? first : call;
		}
	}
	return first;
}

/* How much of the request's body had been sent when the first of the answer came. */
static uint64_t bytes_before(const struct exchange *x)
{
	struct tape_count count = {0};

	tape_count_until(
		&x->request, x->interim.len ? x->interim_ns : x->response.start_ns, &count);
	return count.bytes;
}

static void take_if_begun(
	struct matcher *m, struct match_call *call, uint64_t length, struct match_early *ret)
{
	ret->possible = call != NULL;
	if (!call || !tape_is_duplex(call->exchange) || length < bytes_before(call->exchange))
		return;
	call->served = true;
	m->totals.served++;
	ret->exchange = call->exchange;
}

int match_early(struct matcher *m, const struct canon_input *request, struct match_early *ret)
{
	struct canon_input head = {
		.scheme = request->scheme, .authority = request->authority, .head = request->head};
	struct match_request q = MATCH_REQUEST();
	struct form parts;
	int r;

	*ret = (struct match_early){0};
	if (!m->has_duplex)
		return 0;
	r = match_request_make(m, &head, &q, &parts);
	if (!r && !q.sink)
		take_if_begun(m, find_likely(m, &q, request), request->length, ret);
	match_request_free(&q);
	return r == -ENOMEM ? r : 0;
}

static void keep(struct matcher *m, struct match_call *call, const struct match_request *q,
	bool exact, struct match *ret)
{
	match_take(m, call, q);
	m->totals.exact += exact;
	m->totals.normalised += !exact;
	ret->outcome = exact ? MATCH_EXACT : MATCH_NORMALISED;
	ret->exchange = call->exchange;
}

int match_early_end(struct matcher *m, const struct canon_input *request,
	const struct exchange *taken, bool only, struct match *ret)
{
	struct match_call *call = match_call_of(m, taken);
	struct match_request q = MATCH_REQUEST();
	struct form parts;
	int r = match_request_make(m, request, &q, &parts);
	bool exact;

	*ret = (struct match){.occurrence = 1};
	if (r) {
		match_request_free(&q);
		return r;
	}
	exact = match_key_equal(&call->keys[KEY_CANONICAL], &q.keys[KEY_CANONICAL]);
	if (exact || match_is_normalised(call, &q)) {
		keep(m, call, &q, exact, ret);
	} else {
		match_offer_again(m, call);
		if (only) {
			m->totals.missed++;
			match_explain(m, &q, NULL, ret);
		} else {
			match_find(m, &q, ret);
		}
	}
	match_request_free(&q);
	return 0;
}

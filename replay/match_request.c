/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <string.h>
#include "replay/shapes.h"

/* A request and its keys. */

static struct span form_span(const struct buffer *form)
{
	return (struct span){form->data, form->len};
}

void match_request_free(struct match_request *q)
{
	buffer_free(&q->canonical);
	buffer_free(&q->normalised);
	canon_marks_free(&q->marks);
}

void match_request_reset(struct match_request *q)
{
	buffer_reset(&q->canonical);
	buffer_reset(&q->normalised);
}

static struct call_key head_key(struct span form)
{
	struct form parts;

	form_split(form, &parts);
	return canon_key((struct span){form.data, (size_t)(parts.body.data - form.data)});
}

int match_request_finish(struct match_request *q, const struct canon_view *view, struct form *ret)
{
	struct canon_view noting = *view;
	struct rules_view rules;
	int r;

	noting.marks = &q->marks;
	r = canon_normalise(form_span(&q->canonical), &noting, &q->normalised);
	if (r)
		return r;
	form_split(form_span(&q->normalised), ret);
	rules_view(view->rules, ret->line, &rules);
	q->repeat = rules_repeat(&rules);
	q->sink = rules_is_sink(&rules);
	q->keys[KEY_CANONICAL] = canon_key(form_span(&q->canonical));
	q->keys[KEY_NORMALISED] = canon_key(form_span(&q->normalised));
	q->keys[KEY_SINK] = canon_key(ret->line);
	q->heads[KEY_CANONICAL] = head_key(form_span(&q->canonical));
	q->heads[KEY_NORMALISED] = head_key(form_span(&q->normalised));
	return 0;
}

/* Headers by which clients count their attempts, and the value of the first. */
static const struct {
	const char *name, *first;
} attempts[] = {
	{"x-stainless-retry-count", "0"},
	{"x-retry-count", "0"},
	{"retry-attempt", "0"},
	{"amz-sdk-request", "attempt=1"},
};

/* "0"; "ttl=20261121T180000Z; attempt=1; max=3". */
static bool has_word(struct span value, struct span word)
{
	const uint8_t *at = value.len ? memmem(value.data, value.len, word.data, word.len) : NULL;
	const uint8_t *end = at ? at + word.len : NULL;

	return at && (at == value.data || !shapes_is_word(at[-1])) &&
		(end == value.data + value.len || !shapes_is_word(*end));
}

static bool is_retry(const struct http1_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		const struct http1_header *h = &head->headers[i];

		for (size_t k = 0; k < sizeof(attempts) / sizeof(*attempts); k++) {
			if (span_equal_nocase(h->name, attempts[k].name))
				return !has_word(h->value, span_of(attempts[k].first));
		}
	}
	return false;
}

int match_request_make(const struct matcher *m, const struct canon_input *in,
	struct match_request *q, struct form *ret)
{
	int r = canon_request(in, &q->canonical);

	q->retry = is_retry(in->head);
	return r ? r : match_request_finish(q, &m->options.live, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>
#include <stdlib.h>

/* What the recorded responses handed out, in the order of the recording. */

/* Of one message: what a client sends back stands early, or is small. */
#define MESSAGE_BYTES_MAX (8u << 20)

/* Somebody says something. */
struct saying {
	uint64_t time_ns;
	const struct exchange *exchange;
	enum { SAYS_REQUEST, SAYS_RESPONSE, SAYS_FRAME } kind;
	size_t frame;
};

/* A request before the response to it; else as they were found. */
static int compare_sayings(const void *x, const void *y)
{
	const struct saying *a = x, *b = y;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->exchange != b->exchange)
		return a->exchange->number < b->exchange->number ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

static size_t add_exchange(const struct exchange *x, struct saying *to)
{
	size_t count = 0;

	to[count++] = (struct saying){x->request.start_ns, x, SAYS_REQUEST, 0};
	if (x->response.head)
		to[count++] = (struct saying){x->response.start_ns, x, SAYS_RESPONSE, 0};
	for (size_t i = 0; i < x->frame_count; i++)
		to[count++] = (struct saying){x->frames[i].time_ns, x, SAYS_FRAME, i};
	return count;
}

static struct saying *list_sayings(const struct tape *t, size_t *ret_count)
{
	size_t count = 0, room = 2 * t->exchange_count + 1;
	struct saying *list;

	for (size_t i = 0; i < t->exchange_count; i++)
		room += t->exchanges[i]->frame_count;
	list = calloc(room, sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < t->exchange_count; i++)
		count += add_exchange(t->exchanges[i], &list[count]);
	qsort(list, count, sizeof(*list), compare_sayings);
	*ret_count = count;
	return list;
}

static int say(struct handed *h, uint64_t exchange, bool answers, struct span text)
{
	return answers ? handed_response(h, exchange, text) : handed_request(h, text);
}

static bool ends(struct span s, const char *text)
{
	struct span end = span_of(text);

	return s.len >= end.len &&
		span_equal_nocase((struct span){s.data + s.len - end.len, end.len}, text);
}

/* Headers whose values clients send back. */
static bool is_handing_header(struct span name)
{
	return ends(name, "location") || ends(name, "-id") || span_equal_nocase(name, "link");
}

static int say_head(
	struct handed *h, uint64_t exchange, bool answers, const struct http1_head *head)
{
	int r = answers ? 0 : handed_request(h, head->target);

	for (size_t i = 0; i < head->count && !r; i++) {
		if (!answers || is_handing_header(head->headers[i].name))
			r = say(h, exchange, answers, head->headers[i].value);
	}
	return r;
}

static struct span coding_of(const struct http1_head *head)
{
	for (size_t i = 0; i < head->count; i++) {
		if (span_equal_nocase(head->headers[i].name, "content-encoding"))
			return head->headers[i].value;
	}
	return (struct span){0};
}

/* What cannot be read or decoded handed nothing out. */
static int say_body(struct handed *h, uint64_t exchange, bool answers, const struct tape *t,
	const struct tape_message *message)
{
	struct buffer body = BUFFER(MESSAGE_BYTES_MAX), decoded = BUFFER(MESSAGE_BYTES_MAX);
	struct span coding = coding_of(message->head);
	struct tape_place at = {0};
	int r = tape_read_on(t, message, &at, MESSAGE_BYTES_MAX, &body);
	struct span text = {body.data, body.len};

	if (!r && coding.len) {
		r = content_decode(coding, text, &decoded);
		text = (struct span){decoded.data, decoded.len};
	}
	if (!r)
		r = say(h, exchange, answers, text);
	buffer_free(&body);
	buffer_free(&decoded);
	return r == -ENOMEM ? r : 0;
}

static int say_message(struct handed *h, uint64_t exchange, bool answers, const struct tape *t,
	const struct tape_message *message)
{
	int r = message->head ? say_head(h, exchange, answers, message->head) : 0;

	return r || !message->head ? r : say_body(h, exchange, answers, t, message);
}

static int say_frame(struct handed *h, const struct tape *t, const struct exchange *x, size_t i)
{
	const struct tape_frame *frame = &x->frames[i];
	struct trace_event e;

	if (frame->len > MESSAGE_BYTES_MAX || recording_read(t->recording, frame->ref, &e) ||
		e.type != EVENT_MESSAGE)
		return 0;
	return say(h, x->number, frame->direction == EVENT_IN, e.message.bytes);
}

static int say_all(
	struct handed *h, const struct tape *t, const struct saying *sayings, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		const struct exchange *x = sayings[i].exchange;

		if (sayings[i].kind == SAYS_FRAME)
			r = say_frame(h, t, x, sayings[i].frame);
		else if (sayings[i].kind == SAYS_REQUEST)
			r = say_message(h, x->number, false, t, &x->request);
		else
			r = say_message(h, x->number, true, t, &x->response);
	}
	return r;
}

/* In replay the program gets what was recorded: both sides say the same. */
int match_handed_load(struct matcher *m)
{
	struct saying *sayings;
	size_t count = 0;
	int r;

	if (m->options.recorded.handed || m->options.live.handed)
		return 0;
	m->handed = handed_new();
	sayings = list_sayings(m->tape, &count);
	r = m->handed && sayings ? say_all(m->handed, m->tape, sayings, count) : -ENOMEM;
	free(sayings);
	m->options.recorded.handed = m->options.live.handed = m->handed;
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <errno.h>

/* What the recorded responses handed out. */

/* Of one message: what a client sends back stands early, or is small. */
#define MESSAGE_BYTES_MAX (8u << 20)

/* Who says something, and when. */
struct saying {
	struct handed *handed;
	uint64_t exchange;
	uint64_t time_ns;
	bool answers;
};

static int say(const struct saying *s, struct span text)
{
	if (s->answers)
		return handed_response(s->handed, s->exchange, s->time_ns, text);
	handed_request(s->handed, s->time_ns, text);
	return 0;
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

static int say_head(const struct saying *s, const struct http1_head *head)
{
	int r = s->answers ? 0 : say(s, head->target);

	for (size_t i = 0; i < head->count && !r; i++) {
		if (!s->answers || is_handing_header(head->headers[i].name))
			r = say(s, head->headers[i].value);
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
static int say_body(
	const struct saying *s, const struct tape *t, const struct tape_message *message)
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
		r = say(s, text);
	buffer_free(&body);
	buffer_free(&decoded);
	return r == -ENOMEM ? r : 0;
}

static int say_message(struct saying *s, const struct tape *t, const struct tape_message *message)
{
	int r;

	if (!message->head)
		return 0;
	s->time_ns = message->start_ns;
	r = say_head(s, message->head);
	return r ? r : say_body(s, t, message);
}

static int say_frame(struct saying *s, const struct tape *t, const struct tape_frame *frame)
{
	struct trace_event e;

	if ((frame->direction == EVENT_IN) != s->answers || frame->len > MESSAGE_BYTES_MAX ||
		recording_read(t->recording, frame->ref, &e) || e.type != EVENT_MESSAGE)
		return 0;
	s->time_ns = frame->time_ns;
	return say(s, e.message.bytes);
}

static int say_all(struct handed *h, const struct tape *t, bool answers)
{
	int r = 0;

	for (size_t i = 0; i < t->exchange_count && !r; i++) {
		const struct exchange *x = t->exchanges[i];
		struct saying s = {.handed = h, .exchange = x->number, .answers = answers};

		r = say_message(&s, t, answers ? &x->response : &x->request);
		for (size_t k = 0; k < x->frame_count && !r; k++)
			r = say_frame(&s, t, &x->frames[k]);
	}
	return r;
}

/* In replay the program gets what was recorded: both sides say the same. */
int match_handed_load(struct matcher *m)
{
	int r;

	if (m->options.recorded.handed || m->options.live.handed)
		return 0;
	m->handed = handed_new();
	if (!m->handed)
		return -ENOMEM;
	r = say_all(m->handed, m->tape, true);
	m->options.recorded.handed = m->options.live.handed = m->handed;
	return r ? r : say_all(m->handed, m->tape, false);
}

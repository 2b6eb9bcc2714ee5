/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dialogues_private.h"

#include <errno.h>
#include <string.h>
#include "replay/canon_private.h"

/* One dialogue and how far it has come: the client's bytes checked, the server's given out. */

#define SECRET_BYTES_MAX (16u << 10)
#define SECRET_STOP_MAX  32         /* of what follows a secret is looked for to find its end */
#define FOLLOW_BYTES_MAX (1u << 20) /* more than this in common is not looked through */

int dialogue_run_bytes(const struct tape_run *run, struct recording *r, struct span *ret)
{
	struct trace_event e;
	int error = recording_read(r, run->ref, &e);

	if (error)
		return error;
	if (e.type != EVENT_DATA || run->offset > e.data.bytes.len ||
		run->len > e.data.bytes.len - run->offset)
		return -EBADMSG;
	*ret = (struct span){e.data.bytes.data + run->offset, run->len};
	return 0;
}

static struct span after(struct span s, size_t n)
{
	return (struct span){s.data + n, s.len - n};
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The run the client speaks next, or the barrier it stands before; NULL at the end. */
static const struct tape_run *next_out(struct dialogue_place *p)
{
	const struct dialogue *d = p->dialogue;

	while (p->ear < d->count &&
		(d->runs[p->ear].kind == RUN_IN ||
			(d->runs[p->ear].kind == RUN_OUT && !d->runs[p->ear].len)))
		p->ear++;
	return p->ear < d->count ? &d->runs[p->ear] : NULL;
}

static void take_heard(struct dialogue_place *p, size_t len)
{
	p->heard += len;
	p->ear_offset += (uint32_t)len;
	if (p->ear_offset == p->dialogue->runs[p->ear].len) {
		p->ear++;
		p->ear_offset = 0;
	}
}

/* Where the secret at the front of `input` ends, by what was recorded after it. 0: not there. */
static size_t secret_length(struct span following, struct span input)
{
	size_t next, stop = canon_find_placeholder(following, &next);
	const uint8_t *at;

	stop = smaller(stop, SECRET_STOP_MAX);
	if (!stop)
		return smaller(input.len, SECRET_BYTES_MAX); /* the write ended with it */
	input.len = smaller(input.len, SECRET_BYTES_MAX + stop);
	at = input.len > 1 ? memmem(input.data + 1, input.len - 1, following.data, stop) : NULL;
	return at ? (size_t)(at - input.data) : 0;
}

static int hear_secret(
	struct dialogue_place *p, struct span expected, size_t placeholder, struct span *input)
{
	size_t len = secret_length(after(expected, placeholder), *input);

	if (!len)
		return input->len < SECRET_BYTES_MAX ? HEARD_PART : HEARD_OTHER;
	*input = after(*input, len);
	take_heard(p, placeholder);
	return HEARD_ALL;
}

static int hear_expected(struct dialogue_place *p, struct span expected, struct span *input)
{
	size_t placeholder, plain = canon_find_placeholder(expected, &placeholder), same = 0;

	if (!plain)
		return hear_secret(p, expected, placeholder, input);
	plain = smaller(plain, input->len);
	while (same < plain && expected.data[same] == input->data[same])
		same++;
	*input = after(*input, same);
	take_heard(p, same);
	return same == plain ? HEARD_ALL : HEARD_OTHER;
}

int dialogue_expected(const struct dialogue_place *p, struct recording *r, struct span *ret)
{
	struct dialogue_place at = *p;
	const struct tape_run *run = next_out(&at);
	int error;

	*ret = (struct span){0};
	if (!run || run->kind != RUN_OUT)
		return 0;
	error = dialogue_run_bytes(run, r, ret);
	if (!error)
		*ret = after(*ret, at.ear_offset);
	return error;
}

int dialogue_hear(struct dialogue_place *p, struct recording *r, struct span *input)
{
	int heard = HEARD_ALL;

	while (input->len && heard == HEARD_ALL) {
		const struct tape_run *run = next_out(p);
		struct span expected;

		if (!run)
			return HEARD_OTHER;
		if (run->kind == RUN_TLS)
			return HEARD_TLS;
		heard = dialogue_expected(p, r, &expected);
		if (!heard)
			heard = hear_expected(p, expected, input);
	}
	return heard;
}

enum dialogue_turn dialogue_turn(struct dialogue_place *p)
{
	const struct dialogue *d = p->dialogue;

	for (; p->mouth < d->count; p->mouth++, p->mouth_offset = 0) {
		const struct tape_run *run = &d->runs[p->mouth];

		if (run->kind == RUN_TLS)
			return TURN_TLS;
		if (run->kind == RUN_IN && p->mouth_offset < run->len)
			return TURN_SERVER;
		if (run->kind == RUN_OUT && run->len && p->ear <= p->mouth)
			return TURN_CLIENT;
	}
	return TURN_OVER;
}

uint64_t dialogue_time_ns(const struct dialogue_place *p)
{
	return p->dialogue->runs[p->mouth].time_ns;
}

uint64_t dialogue_since_ns(const struct dialogue_place *p)
{
	const struct tape_run *runs = p->dialogue->runs;

	for (size_t i = p->mouth; i > 0; i--) {
		if (runs[i - 1].kind != RUN_IN)
			return runs[i - 1].time_ns;
	}
	return runs[0].time_ns;
}

int dialogue_say(struct dialogue_place *p, struct recording *r, size_t max, struct buffer *out)
{
	struct span bytes;
	int error = dialogue_run_bytes(&p->dialogue->runs[p->mouth], r, &bytes);

	if (error)
		return error;
	bytes = after(bytes, p->mouth_offset);
	bytes.len = smaller(bytes.len, max);
	error = buffer_append(out, bytes.data, bytes.len);
	if (error)
		return error;
	p->mouth_offset += (uint32_t)bytes.len;
	p->said += bytes.len;
	return 0;
}

void dialogue_secure(struct dialogue_place *p)
{
	p->secure = true;
	p->ear = ++p->mouth;
	p->ear_offset = p->mouth_offset = 0;
}

/* ---- from one dialogue to another ---- */

/* The first bytes of one direction. */
struct stretch {
	enum tape_run_kind kind;
	uint64_t bytes;
	size_t run;      /* where they end */
	uint32_t offset; /* inside that run */
	struct buffer text;
};

/* 1, 0: there are not as many (before TLS, unless `secure`), or -errno. */
static int read_stretch(
	struct stretch *s, const struct dialogue *d, bool secure, struct recording *r)
{
	int error = 0;

	s->run = s->offset = 0;
	s->text = BUFFER(FOLLOW_BYTES_MAX);
	while (s->text.len < s->bytes && !error) {
		const struct tape_run *run = &d->runs[s->run];
		struct span bytes;

		if (s->run == d->count || (run->kind == RUN_TLS && !secure))
			return 0;
		if (run->kind != s->kind) {
			s->run++;
			continue;
		}
		error = dialogue_run_bytes(run, r, &bytes);
		if (error)
			return error;
		s->offset = (uint32_t)smaller(bytes.len, s->bytes - s->text.len);
		error = buffer_append(&s->text, bytes.data, s->offset);
		if (s->offset == run->len) {
			s->run++;
			s->offset = 0;
		}
	}
	return error ? error : 1;
}

static int same_stretch(const struct dialogue_place *past, struct stretch *theirs,
	const struct dialogue *d, struct recording *r)
{
	struct stretch ours = *theirs;
	int same = read_stretch(&ours, past->dialogue, past->secure, r);

	if (same == 1)
		same = read_stretch(theirs, d, past->secure, r);
	if (same == 1)
		same = span_equal((struct span){ours.text.data, ours.text.len},
			(struct span){theirs->text.data, theirs->text.len});
	buffer_free(&ours.text);
	buffer_free(&theirs->text);
	return same;
}

/* How much comes before TLS begins. The run's index, or SIZE_MAX: it never does. */
static size_t tls_after(const struct dialogue *d, uint64_t ret_bytes[2])
{
	ret_bytes[RUN_OUT] = ret_bytes[RUN_IN] = 0;
	for (size_t i = 0; i < d->count; i++) {
		if (d->runs[i].kind == RUN_TLS)
			return i;
		ret_bytes[d->runs[i].kind] += d->runs[i].len;
	}
	return SIZE_MAX;
}

static bool pass_tls(
	const struct dialogue_place *past, enum dialogue_alike alike, struct dialogue_place *p)
{
	uint64_t ours[2], theirs[2];
	size_t at = tls_after(p->dialogue, theirs);

	if (!past->secure)
		return true;
	(void)tls_after(past->dialogue, ours);
	if (at == SIZE_MAX || ours[RUN_OUT] != theirs[RUN_OUT] ||
		(alike == ALIKE_WHOLLY && ours[RUN_IN] != theirs[RUN_IN]))
		return false;
	p->secure = true;
	if (p->ear <= at) {
		p->ear = at + 1;
		p->ear_offset = 0;
	}
	if (p->mouth <= at) {
		p->mouth = at + 1;
		p->mouth_offset = 0;
	}
	return true;
}

/* Nothing has been said there that had to wait for what was not heard. */
static bool is_in_order(const struct dialogue_place *p)
{
	size_t said = p->mouth + (p->mouth_offset > 0);

	for (size_t i = p->ear; i < said; i++) {
		if (p->dialogue->runs[i].kind != RUN_IN && p->dialogue->runs[i].len)
			return false;
	}
	return true;
}

static int follow_said(
	const struct dialogue_place *past, struct recording *r, struct dialogue_place *p)
{
	struct stretch in = {.kind = RUN_IN, .bytes = past->said};
	int same = same_stretch(past, &in, p->dialogue, r);

	p->mouth = in.run;
	p->mouth_offset = in.offset;
	p->said = past->said;
	return same == 1 ? pass_tls(past, ALIKE_WHOLLY, p) && is_in_order(p) : same;
}

/* How often the server has spoken before that run. */
static size_t turns_before(const struct dialogue *d, size_t run)
{
	enum tape_run_kind last = RUN_OUT;
	size_t turns = 0;

	for (size_t i = 0; i < run; i++) {
		if (!d->runs[i].len && d->runs[i].kind != RUN_TLS)
			continue;
		turns += d->runs[i].kind == RUN_IN && last != RUN_IN;
		last = d->runs[i].kind;
	}
	return turns;
}

/* The server has said what came before the client's turn, whatever it was. */
static int follow_turn(const struct dialogue_place *past, struct dialogue_place *p)
{
	struct dialogue_place from = *past;
	const struct tape_run *next;

	if (dialogue_turn(&from) != TURN_CLIENT || !next_out(&from) || from.ear != from.mouth ||
		!pass_tls(past, ALIKE_HEARD, p))
		return 0;
	next = next_out(p);
	if (!next || next->kind != RUN_OUT)
		return 0;
	p->mouth = p->ear;
	p->mouth_offset = 0;
	for (size_t i = 0; i < p->mouth; i++)
		p->said += p->dialogue->runs[i].kind == RUN_IN ? p->dialogue->runs[i].len : 0;
	return turns_before(past->dialogue, from.mouth) == turns_before(p->dialogue, p->mouth);
}

int dialogue_follow(const struct dialogue_place *past, enum dialogue_alike alike,
	const struct dialogue *d, struct recording *r, struct dialogue_place *ret)
{
	struct stretch out = {.kind = RUN_OUT, .bytes = past->heard};
	int same;

	*ret = (struct dialogue_place){.dialogue = d, .heard = past->heard};
	if (!past->dialogue)
		return 1;
	if (past->heard > FOLLOW_BYTES_MAX || past->said > FOLLOW_BYTES_MAX)
		return 0;
	same = same_stretch(past, &out, d, r);
	if (same != 1)
		return same;
	ret->ear = out.run;
	ret->ear_offset = out.offset;
	return alike == ALIKE_WHOLLY ? follow_said(past, r, ret) : follow_turn(past, ret);
}

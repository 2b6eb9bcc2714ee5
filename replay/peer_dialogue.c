/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer_internal.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

/*
 * A connection that plays a recorded dialogue: the server's bytes leave once the client has said
 * what was said before them, at their recorded time after that; then the recorded end. TLS begins
 * where it did.
 */

#define PENDING_BYTES_MAX (1u << 20)
#define PENDING_MAX_NS    1000000000ull /* for the rest of a secret to come */

struct dialogue_play {
	struct dialogue_place place;
	struct tape_close close;
	struct buffer pending; /* heard, and not understood yet */
	uint64_t pending_ns;   /* when it will not be any more */
	uint64_t heard_ns;     /* the client's last bytes, or the beginning */
	uint64_t close_ns;     /* when the end is due; 0: not known yet */
	bool own;              /* a tunnel of one exchange: there is no other to go on with */
	bool inside;           /* TLS was there from the beginning */
};

static struct dialogue_whom whom_of(const struct connection *c)
{
	SSL *ssl = c->stream.ssl;
	/* TLS that began after plaintext is not what the dialogue is known by. */
	bool tls = c->dialogue && c->dialogue->place.dialogue ? c->dialogue->place.dialogue->tls
							      : ssl != NULL;
	return (struct dialogue_whom){
		.address = c->address,
		.sni = ssl ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL,
		.tls = tls,
	};
}

static struct recording *recording_of(const struct connection *c)
{
	return c->peer->options.tape->recording;
}

bool dialogue_claims(const struct connection *c, struct span input)
{
	const struct dialogues *all = c->peer->dialogues;
	struct dialogue_whom whom = whom_of(c);
	return dialogues_know(all, &whom) &&
		(!dialogues_know_http(all, &whom) || dialogues_agree(all, &whom, input));
}

static struct dialogue_play *begin(struct connection *c)
{
	struct dialogue_play *d = calloc(1, sizeof(*d));
	if (!d) {
		c->dead = true;
		return NULL;
	}
	d->pending = BUFFER(PENDING_BYTES_MAX);
	d->heard_ns = monotonic_ns();
	d->inside = c->stream.ssl != NULL;
	c->dialogue = d;
	c->tongue = &tongue_dialogue;
	return d;
}

static void drop(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	if (!d)
		return;
	if (!d->own)
		dialogues_release(c->peer->dialogues, &d->place);
	buffer_free(&d->pending);
	free(d);
	c->dialogue = NULL;
}

void dialogue_refuse(struct connection *c, struct span input)
{
	const struct peer_options *options = &c->peer->options;
	const struct dialogue_place nowhere = {0};
	struct dialogue_whom whom = whom_of(c);
	struct match match;
	dialogues_miss(c->peer->dialogues, &whom, c->dialogue ? &c->dialogue->place : &nowhere,
		input, &match);
	c->peer->stats.not_http +=
		match.outcome == MATCH_NO_HOST || match.outcome == MATCH_NO_ENDPOINT;
	ask_say_never_live(c, &match, "what is no HTTP");
	if (options->on_miss)
		options->on_miss(options->context, &match);
	json_decref(match.explanation);
	serve_plan_end(c, ENDING_RESET, monotonic_ns(), false);
}

void dialogue_greet(struct connection *c)
{
	struct dialogue_whom whom = whom_of(c);
	struct dialogue_play *d;
	c->greeted = true;
	if (c->tunnel) {
		dialogue_tunnel(c, c->tunnel);
		return;
	}
	if (!dialogues_know(c->peer->dialogues, &whom) || !(d = begin(c)))
		return;
	switch (dialogues_greet(c->peer->dialogues, &whom, &d->place)) {
	case GREET_TAKEN:
		c->detected = true;
		break;
	case GREET_USED_UP:
		c->detected = true;
		dialogue_refuse(c, (struct span){0});
		break;
	default:
		drop(c);
		c->tongue = NULL;
	}
}

void dialogue_tunnel(struct connection *c, const struct exchange *e)
{
	struct dialogue_play *d = begin(c);
	c->tunnel = NULL;
	if (!d)
		return;
	d->own = true;
	d->place.dialogue = e->tunnel;
	d->close = e->tunnel->close.seen ? e->tunnel->close : e->close;
}

/* ---- the client ---- */

/* The handshake that the recording has at this turn is over. */
static bool tls_has_begun(const struct connection *c)
{
	return c->stream.ssl && !c->dialogue->inside && SSL_is_init_finished(c->stream.ssl);
}

/* Everything before has been sent: the client's next bytes are a ClientHello. */
static bool await_tls(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	if (d->inside) { /* TLS within TLS is not played */
		dialogue_refuse(c, (struct span){0});
		return true;
	}
	c->detected = c->stream.ssl != NULL;
	if (!tls_has_begun(c))
		return false;
	dialogue_secure(&d->place);
	d->heard_ns = monotonic_ns();
	d->inside = true;
	return true;
}

static int hear(struct connection *c, struct span *input)
{
	struct dialogue_play *d = c->dialogue;
	struct dialogue_whom whom = whom_of(c);
	int heard = HEARD_OTHER;
	if (d->place.dialogue)
		heard = dialogue_hear(&d->place, recording_of(c), input);
	if (heard == HEARD_OTHER && !d->own)
		heard = dialogues_take(c->peer->dialogues, &whom, &d->place, input);
	return heard;
}

/* Keeps `rest`, which may lie in the buffer itself. */
static int keep(struct dialogue_play *d, struct span rest)
{
	if (!d->pending.len)
		return buffer_append(&d->pending, rest.data, rest.len);
	buffer_consume(&d->pending, d->pending.len - rest.len);
	return 0;
}

static void take_input(struct connection *c, struct span input)
{
	struct dialogue_play *d = c->dialogue;
	int heard = hear(c, &input);
	d->heard_ns = monotonic_ns();
	if (heard == HEARD_ALL)
		buffer_reset(&d->pending);
	else if (heard == HEARD_PART && keep(d, input) == 0)
		d->pending_ns = d->heard_ns + PENDING_MAX_NS;
	else if (heard < 0) /* the recording is damaged */
		serve_plan_end(c, ENDING_RESET, d->heard_ns, false);
	else
		dialogue_refuse(c, input);
}

static void dialogue_feed(struct connection *c, struct span input)
{
	struct dialogue_play *d = c->dialogue ? c->dialogue : begin(c);
	if (!d)
		return;
	if (d->place.dialogue && tls_has_begun(c) && dialogue_turn(&d->place) == TURN_TLS)
		(void)await_tls(c);
	if (!d->pending.len) {
		take_input(c, input);
	} else if (buffer_append(&d->pending, input.data, input.len) == 0) {
		take_input(c, (struct span){d->pending.data, d->pending.len});
	} else {
		dialogue_refuse(c, input);
	}
	/* What comes next may be a ClientHello, before anything is to be sent. */
	if (c->ending.kind == ENDING_NONE && d->place.dialogue && !c->stream.ssl &&
		dialogue_turn(&d->place) == TURN_TLS)
		c->detected = false;
}

/* ---- the server ---- */

static bool say(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	c->out_due_ns = serve_gap_ns(
		c->peer, dialogue_since_ns(&d->place), dialogue_time_ns(&d->place), d->heard_ns);
	c->out.max = PLAYBACK_READ_MAX;
	/* Where the recording is damaged, a cut that the client notices, never a silent gap. */
	if (dialogue_say(&d->place, recording_of(c), PLAYBACK_READ_MAX, &c->out) < 0)
		serve_plan_end(c, ENDING_RESET, monotonic_ns(), false);
	return true;
}

static bool await_client(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	if (!d->pending.len || serve_wait_until(c, d->pending_ns))
		return false;
	dialogue_refuse(c, (struct span){d->pending.data, d->pending.len});
	return true;
}

static uint64_t close_due(const struct connection *c, const struct tape_close *close)
{
	const struct dialogue_place *p = &c->dialogue->place;
	uint64_t last_ns = p->dialogue->runs[p->dialogue->count - 1].time_ns;
	if (c->peer->options.timing.none)
		return serve_idle_ns(close->time_ns > last_ns ? close->time_ns - last_ns : 0);
	return serve_gap_ns(c->peer, dialogue_since_ns(p), close->time_ns, c->dialogue->heard_ns);
}

/* Until the recorded end is due, more from the client is still a miss. */
static bool finish(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	const struct tape_close *close = d->own ? &d->close : &d->place.dialogue->close;
	if (!close->seen || d->pending.len)
		return await_client(c);
	if (!d->close_ns)
		d->close_ns = close_due(c, close);
	if (!c->leaving && serve_wait_until(c, d->close_ns))
		return false;
	serve_plan_end(c, serve_recorded_ending(close), d->close_ns, false);
	return true;
}

static bool dialogue_next(struct connection *c)
{
	struct dialogue_play *d = c->dialogue;
	if (!d || !d->place.dialogue)
		return false;
	switch (dialogue_turn(&d->place)) {
	case TURN_SERVER:
		return say(c);
	case TURN_TLS:
		return await_tls(c);
	case TURN_OVER:
		return finish(c);
	default:
		return await_client(c);
	}
}

static bool dialogue_serve(struct connection *c)
{
	return serve_with(c, dialogue_next);
}

const struct tongue tongue_dialogue = {dialogue_feed, dialogue_serve, drop};

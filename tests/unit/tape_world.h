/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TAPE_WORLD_H
#define TESTS_UNIT_TAPE_WORLD_H

#include "peer_world.h"

/* What tests of traffic that is not HTTP share: tapes put together from a recording's channels. */

#define CHANNELS_MAX 8

/* With the tape changed by `change` before it is played. */
static inline void play_changed(
	struct world *w, void (*change)(struct world *w), struct peer_timing timing)
{
	load(w);
	change(w);
	play(w, timing);
}

/* The tape's own, while a test's stand in their place. */
struct stand_ins {
	struct dialogue **dialogues;
	size_t dialogue_count;
	struct dialogue *made[CHANNELS_MAX];
	size_t count;
};

static inline void add_run(struct dialogue *d, struct tape_run run)
{
	d->runs = realloc(d->runs, (d->count + 1) * sizeof(*d->runs));
	d->runs[d->count++] = run;
}

/* All data of a channel; a TLS event after data makes the rest be inside TLS. */
static inline struct dialogue *dialogue_of(struct world *w, uint64_t channel, bool whole)
{
	struct dialogue *d = calloc(1, sizeof(*d));
	struct trace_event e;
	struct event_ref ref;
	d->channel = channel;
	recording_rewind(w->recording);
	while (recording_next(w->recording, &e, &ref) == 1) {
		struct tape_run run = {.ref = ref, .time_ns = e.time_ns};
		if (e.channel != channel)
			continue;
		if (e.type == EVENT_CONNECT) {
			d->address = span_dup(e.connect.address);
		} else if (e.type == EVENT_TLS && d->count && whole) {
			run.kind = RUN_TLS;
			add_run(d, run);
		} else if (e.type == EVENT_TLS) {
			d->tls = true;
			d->sni = span_dup(e.tls.sni);
		} else if (e.type == EVENT_DATA) {
			run.kind = (enum tape_run_kind)e.data.direction;
			run.len = (uint32_t)e.data.bytes.len;
			add_run(d, run);
		} else if (e.type == EVENT_END) {
			d->close.seen = true;
			d->close.kind = e.end.kind;
			d->close.error = e.end.error;
			d->close.time_ns = e.time_ns;
		}
	}
	return d;
}

static inline void free_dialogue(struct dialogue *d)
{
	free(d->address);
	free(d->sni);
	free(d->runs);
	free(d);
}

/* Makes each channel from 1 to `count` a dialogue. */
static inline void stand_in(struct world *w, struct stand_ins *s, uint64_t count)
{
	s->dialogues = w->tape->dialogues;
	s->dialogue_count = w->tape->dialogue_count;
	for (uint64_t channel = 1; channel <= count; channel++)
		s->made[s->count++] = dialogue_of(w, channel, true);
	w->tape->dialogues = s->made;
	w->tape->dialogue_count = s->count;
}

static inline void stand_down(struct world *w, struct stand_ins *s)
{
	w->tape->dialogues = s->dialogues;
	w->tape->dialogue_count = s->dialogue_count;
	for (size_t i = 0; i < s->count; i++)
		free_dialogue(s->made[i]);
	memset(s, 0, sizeof(*s));
}

#endif

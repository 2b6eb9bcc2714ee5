/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dialogues_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Which dialogue a connection holds. */

#define NOBODY SIZE_MAX

static bool is_servable(const struct dialogue *d)
{
	return !d->internal && d->count > 0;
}

struct dialogues *dialogues_new(const struct tape *t)
{
	struct dialogues *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->tape = t;
	d->entries = calloc(t->dialogue_count + 1, sizeof(*d->entries));
	if (!d->entries) {
		free(d);
		return NULL;
	}
	for (size_t i = 0; i < t->dialogue_count; i++) {
		if (is_servable(t->dialogues[i]))
			d->entries[d->count++].dialogue = t->dialogues[i];
	}
	return d;
}

void dialogues_free(struct dialogues *d)
{
	if (!d)
		return;
	free(d->entries);
	free(d);
}

/* A name behind many addresses may be reached at another one than when recorded. */
bool dialogues_is_for(const struct dialogue *d, const struct dialogue_whom *whom)
{
	if (d->tls != whom->tls)
		return false;
	return !strcmp(d->address, whom->address) ||
		(d->sni && whom->sni && !strcasecmp(d->sni, whom->sni));
}

bool dialogues_know(const struct dialogues *d, const struct dialogue_whom *whom)
{
	for (size_t i = 0; i < d->count; i++) {
		if (dialogues_is_for(d->entries[i].dialogue, whom))
			return true;
	}
	return false;
}

bool dialogues_know_http(const struct dialogues *d, const struct dialogue_whom *whom)
{
	for (size_t i = 0; i < d->tape->exchange_count; i++) {
		const struct exchange *x = d->tape->exchanges[i];

		if (x->tls == whom->tls && !x->internal && !strcmp(x->address, whom->address))
			return true;
	}
	return false;
}

static void hold(struct dialogues *d, size_t i, struct dialogue_place *place)
{
	d->entries[i].held = true;
	d->entries[i].holder = place;
}

static void let_go(struct dialogues *d, size_t i)
{
	d->entries[i].held = false;
	d->entries[i].holder = NULL;
}

static size_t held_by(const struct dialogues *d, const struct dialogue_place *place)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->entries[i].holder == place)
			return i;
	}
	return NOBODY;
}

void dialogues_release(struct dialogues *d, struct dialogue_place *place)
{
	size_t i = held_by(d, place);

	if (i != NOBODY)
		d->entries[i].holder = NULL;
}

/* enum dialogue_heard or -errno. On any but HEARD_OTHER and errors *ret and *input have moved. */
static int try_entry(const struct dialogues *d, size_t i, const struct dialogue_place *place,
	enum dialogue_alike alike, struct span *input, struct dialogue_place *ret)
{
	struct recording *r = d->tape->recording;
	struct span rest = *input;
	int heard = dialogue_follow(place, alike, d->entries[i].dialogue, r, ret);

	if (heard < 0)
		return heard;
	heard = heard ? dialogue_hear(ret, r, &rest) : HEARD_OTHER;
	if (heard == HEARD_TLS)
		heard = HEARD_OTHER;
	if (heard == HEARD_ALL || heard == HEARD_PART)
		*input = rest;
	return heard;
}

bool dialogues_agree(const struct dialogues *d, const struct dialogue_whom *whom, struct span input)
{
	const struct dialogue_place nowhere = {0};
	struct dialogue_place at;

	for (size_t i = 0; i < d->count; i++) {
		struct span rest = input;
		int heard;

		if (d->entries[i].held || !dialogues_is_for(d->entries[i].dialogue, whom))
			continue;
		heard = try_entry(d, i, &nowhere, ALIKE_WHOLLY, &rest, &at);
		if (heard == HEARD_ALL || heard == HEARD_PART)
			return true;
	}
	return false;
}

static int take_free(struct dialogues *d, const struct dialogue_whom *whom,
	struct dialogue_place *place, enum dialogue_alike alike, struct span *input)
{
	for (size_t i = 0; i < d->count; i++) {
		struct dialogue_place at;
		int heard;

		if (d->entries[i].held || d->entries[i].dialogue == place->dialogue ||
			!dialogues_is_for(d->entries[i].dialogue, whom))
			continue;
		heard = try_entry(d, i, place, alike, input, &at);
		if (heard == HEARD_OTHER)
			continue;
		if (heard >= 0) {
			hold(d, i, place);
			*place = at;
		}
		return heard;
	}
	return HEARD_OTHER;
}

/* Another dialogue for the holder of entry `from`, in which it is as far and at the same turn. */
static size_t find_other(const struct dialogues *d, const struct dialogue_whom *whom, size_t from,
	enum dialogue_alike alike, struct dialogue_place *ret)
{
	struct dialogue_place now = *d->entries[from].holder;
	enum dialogue_turn turn = dialogue_turn(&now);

	for (size_t i = 0; i < d->count; i++) {
		if (d->entries[i].held || !dialogues_is_for(d->entries[i].dialogue, whom))
			continue;
		if (dialogue_follow(&now, alike, d->entries[i].dialogue, d->tape->recording, ret) ==
				1 &&
			dialogue_turn(ret) == turn)
			return i;
	}
	return NOBODY;
}

/* One that another connection holds, which can as well go on with one that is free. */
static int take_held(struct dialogues *d, const struct dialogue_whom *whom,
	struct dialogue_place *place, enum dialogue_alike alike, struct span *input)
{
	for (size_t i = 0; i < d->count; i++) {
		struct dialogue_place *holder = d->entries[i].holder, at, moved;
		struct span rest = *input;
		size_t other;
		int heard;

		if (!holder || !dialogues_is_for(d->entries[i].dialogue, whom))
			continue;
		heard = try_entry(d, i, place, alike, &rest, &at);
		if (heard < 0)
			return heard;
		if (heard == HEARD_OTHER)
			continue;
		other = find_other(d, whom, i, alike, &moved);
		if (other == NOBODY)
			continue;
		hold(d, other, holder);
		*holder = moved;
		hold(d, i, place);
		*place = at;
		*input = rest;
		return heard;
	}
	return HEARD_OTHER;
}

static int take_alike(struct dialogues *d, const struct dialogue_whom *whom,
	struct dialogue_place *place, enum dialogue_alike alike, struct span *input)
{
	int heard = take_free(d, whom, place, alike, input);

	return heard == HEARD_OTHER ? take_held(d, whom, place, alike, input) : heard;
}

int dialogues_take(struct dialogues *d, const struct dialogue_whom *whom,
	struct dialogue_place *place, struct span *input)
{
	size_t own = place->dialogue ? held_by(d, place) : NOBODY;
	int heard;

	if (own != NOBODY)
		let_go(d, own);
	heard = take_alike(d, whom, place, ALIKE_WHOLLY, input);
	if (heard == HEARD_OTHER && place->dialogue)
		heard = take_alike(d, whom, place, ALIKE_HEARD, input);
	if (own != NOBODY && (heard == HEARD_OTHER || heard < 0))
		hold(d, own, place);
	return heard;
}

/* The first run that has bytes tells. */
static bool greets(const struct dialogue *d)
{
	size_t i = 0;

	while (i < d->count && !d->runs[i].len)
		i++;
	return i < d->count && d->runs[i].kind == RUN_IN;
}

enum dialogues_greeting dialogues_greet(
	struct dialogues *d, const struct dialogue_whom *whom, struct dialogue_place *place)
{
	size_t all = 0, greeting = 0, first = NOBODY;

	for (size_t i = 0; i < d->count; i++) {
		const struct dialogues_entry *e = &d->entries[i];

		if (!dialogues_is_for(e->dialogue, whom))
			continue;
		all++;
		if (!greets(e->dialogue))
			continue;
		greeting++;
		if (!e->held && first == NOBODY)
			first = i;
	}
	if (!greeting || dialogues_know_http(d, whom))
		return GREET_NOT;
	if (first == NOBODY)
		return greeting == all ? GREET_USED_UP : GREET_NOT;
	hold(d, first, place);
	*place = (struct dialogue_place){.dialogue = d->entries[first].dialogue};
	return GREET_TAKEN;
}

void dialogues_totals(const struct dialogues *d, struct dialogues_totals *ret)
{
	*ret = (struct dialogues_totals){.recorded = d->count, .missed = d->missed};
	for (size_t i = 0; i < d->count; i++)
		ret->served += d->entries[i].held;
	ret->unused = ret->recorded - ret->served;
}

int dialogues_unused(const struct dialogues *d, const struct dialogue ***ret, size_t *ret_count)
{
	const struct dialogue **list = calloc(d->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*ret_count = 0;
	for (size_t i = 0; i < d->count; i++) {
		if (!d->entries[i].held)
			list[(*ret_count)++] = d->entries[i].dialogue;
	}
	*ret = list;
	return 0;
}

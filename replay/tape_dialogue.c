/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tape_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a channel carried that is not HTTP. */

int tape_add_run(struct tape_channel *c, const struct tape_run *run)
{
	struct tape_run *grown;

	if (c->run_count == TAPE_ITEMS_MAX)
		return -E2BIG;
	grown = tape_grow(c->runs, c->run_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (c->run_count == 0)
		c->runs_tls = c->tls && run->kind != RUN_TLS;
	c->runs = grown;
	c->runs[c->run_count++] = *run;
	return 0;
}

void tape_drop_runs(struct tape_channel *c)
{
	free(c->runs);
	c->runs = NULL;
	c->run_count = 0;
}

void tape_dialogue_free(struct dialogue *d)
{
	if (!d)
		return;
	free(d->address);
	free(d->sni);
	free(d->runs);
	free(d);
}

/* A TLS handshake at the end began something that is told elsewhere. */
static size_t without_last_handshake(const struct tape_channel *c)
{
	size_t n = c->run_count;

	while (n > 0 && c->runs[n - 1].kind == RUN_TLS)
		n--;
	return n;
}

static struct dialogue *make_dialogue(struct tape_channel *c, size_t count)
{
	struct dialogue *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->channel = c->id;
	d->tls = c->runs_tls;
	d->internal = c->connect != SIZE_MAX && c->tape->connects[c->connect].internal;
	d->close = c->close;
	d->runs = c->runs;
	d->count = count;
	c->runs = NULL;
	c->run_count = 0;
	d->address = strdup(c->address ? c->address : "");
	d->sni = c->sni ? strdup(c->sni) : NULL;
	if (d->address && (d->sni || !c->sni))
		return d;
	tape_dialogue_free(d);
	return NULL;
}

static int add_dialogue(struct tape *t, struct dialogue *d)
{
	struct dialogue **grown;

	if (t->dialogue_count == TAPE_ITEMS_MAX)
		return -E2BIG;
	grown = tape_grow(t->dialogues, t->dialogue_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->dialogues = grown;
	t->dialogues[t->dialogue_count++] = d;
	return 0;
}

int tape_finish_dialogue(struct tape_channel *c)
{
	size_t count = without_last_handshake(c);
	struct dialogue *d;
	int r;

	if (count == 0)
		return 0;
	d = make_dialogue(c, count);
	if (!d)
		return -ENOMEM;
	if (c->upgraded) {
		c->upgraded->tunnel = d;
		return 0;
	}
	r = add_dialogue(c->tape, d);
	if (r < 0)
		tape_dialogue_free(d);
	return r;
}

static int compare_dialogues(const void *x, const void *y)
{
	const struct dialogue *a = *(const struct dialogue *const *)x;
	const struct dialogue *b = *(const struct dialogue *const *)y;

	if (a->runs[0].time_ns != b->runs[0].time_ns)
		return a->runs[0].time_ns < b->runs[0].time_ns ? -1 : 1;
	return a->channel < b->channel ? -1 : 1;
}

void tape_sort_dialogues(struct tape *t)
{
	if (t->dialogue_count)
		qsort(t->dialogues, t->dialogue_count, sizeof(*t->dialogues), compare_dialogues);
}

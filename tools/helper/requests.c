/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/requests.h"

#include <stdlib.h>
#include <string.h>
#include "replay/tape.h"

#define BODY_MAX  (1u << 20)
#define NAMES_MAX 256

struct requests {
	json_t *models, *seeds;
};

struct requests *requests_new(void)
{
	struct requests *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->models = json_array();
	r->seeds = json_array();
	if (r->models && r->seeds)
		return r;
	requests_free(r);
	return NULL;
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	json_decref(r->models);
	json_decref(r->seeds);
	free(r);
}

static void add_once(json_t *list, json_t *value)
{
	json_t *known;
	size_t i;

	if (!value || json_array_size(list) >= NAMES_MAX)
		return;
	json_array_foreach(list, i, known)
	{
		if (json_equal(known, value))
			return;
	}
	json_array_append(list, value);
}

static void read_body(struct requests *r, struct span body)
{
	json_t *seed, *model,
		*root = json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL, NULL);

	model = json_object_get(root, "model");
	seed = json_object_get(root, "seed");
	if (!seed)
		seed = json_object_get(json_object_get(root, "generationConfig"), "seed");
	add_once(r->models, json_is_string(model) ? model : NULL);
	add_once(r->seeds, json_is_integer(seed) ? seed : NULL);
	json_decref(root);
}

/* Gemini names its model in the path only: …/models/M:generateContent. */
static void read_target(struct requests *r, struct span target)
{
	const uint8_t *at = memmem(target.data, target.len, "/models/", 8), *end;
	size_t left;

	if (!at)
		return;
	at += 8;
	left = (size_t)(target.data + target.len - at);
	end = memchr(at, ':', left);
	if (end && end > at) {
		json_t *name = json_stringn((const char *)at, (size_t)(end - at));

		add_once(r->models, name);
		json_decref(name);
	}
}

static void finish_body(struct requests *r, struct channel *channel)
{
	if (channel->wants_request)
		read_body(r, (struct span){channel->request.data, channel->request.len});
	channel->wants_request = false;
	buffer_free(&channel->request);
}

void requests_piece(struct requests *r, struct channel *channel, const struct piece *p)
{
	switch (p->kind) {
	case PIECE_HEAD:
		channel->wants_request = http1_header(p->head, "content-encoding").len == 0;
		buffer_free(&channel->request);
		channel->request = BUFFER(BODY_MAX);
		read_target(r, p->head->target);
		break;
	case PIECE_DATA:
		/* By its looks, not its type: curl -d calls everything a form. */
		if (channel->request.len == 0 && p->bytes.data[0] != '{')
			channel->wants_request = false;
		if (channel->wants_request &&
			buffer_append(&channel->request, p->bytes.data, p->bytes.len) < 0)
			channel->wants_request = false;
		break;
	case PIECE_END:
		finish_body(r, channel);
		break;
	default:
		break;
	}
}

json_t *requests_models(const struct requests *r)
{
	return json_incref(r->models);
}

json_t *requests_seeds(const struct requests *r)
{
	return json_incref(r->seeds);
}

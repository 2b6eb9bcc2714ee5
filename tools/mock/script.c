/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <stdlib.h>
#include <string.h>

struct piece {
	struct piece *next;
	bool paced;
	char text[];
};

struct mock_script {
	struct piece *first, **last;
	unsigned delay_ms;
};

struct mock_script *mock_script_new(void)
{
	struct mock_script *s = calloc(1, sizeof(*s));

	if (s)
		s->last = &s->first;
	return s;
}

static void script_add(struct mock_script *s, struct evbuffer *text, bool paced)
{
	size_t len = evbuffer_get_length(text);
	struct piece *p = malloc(sizeof(*p) + len + 1);

	if (!p)
		return;
	evbuffer_remove(text, p->text, len);
	p->text[len] = '\0';
	p->paced = paced;
	p->next = NULL;
	*s->last = p;
	s->last = &p->next;
}

void mock_script_json(
	struct mock_script *s, const char *before, json_t *stolen, const char *after, bool paced)
{
	struct evbuffer *b = evbuffer_new();
	char *json = json_dumps(stolen, JSON_COMPACT);

	evbuffer_add_printf(b, "%s%s%s", before, json ? json : "null", after);
	script_add(s, b, paced);
	free(json);
	json_decref(stolen);
	evbuffer_free(b);
}

void mock_script_sse(struct mock_script *s, const char *event, json_t *stolen, bool paced)
{
	char before[128];

	if (event)
		snprintf(before, sizeof(before), "event: %s\ndata: ", event);
	else
		snprintf(before, sizeof(before), "data: ");
	mock_script_json(s, before, stolen, "\n\n", paced);
}

void mock_script_text(struct mock_script *s, const char *text)
{
	struct evbuffer *b = evbuffer_new();

	evbuffer_add_printf(b, "%s", text);
	script_add(s, b, false);
	evbuffer_free(b);
}

static bool script_next(void *state, struct evbuffer *out, unsigned *ret_wait_ms)
{
	struct mock_script *s = state;
	struct piece *p = s->first;

	if (!p)
		return false;
	*ret_wait_ms = p->paced ? s->delay_ms : 0;
	evbuffer_add(out, p->text, strlen(p->text));
	s->first = p->next;
	free(p);
	return true;
}

static void script_done(void *state)
{
	struct mock_script *s = state;

	while (s->first) {
		struct piece *p = s->first;

		s->first = p->next;
		free(p);
	}
	free(s);
}

static const struct mock_source script_source = {script_next, script_done};

void mock_stream_script(struct mock_call *call, const char *type, struct mock_script *s)
{
	s->delay_ms = call->options->delay_ms;
	mock_header(call, "Content-Type", type);
	mock_header(call, "Cache-Control", "no-cache");
	mock_stream(call, 200, &script_source, s);
}

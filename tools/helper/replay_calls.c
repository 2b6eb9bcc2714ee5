/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_calls.h"

#include <stdlib.h>
#include <time.h>

struct call {
	enum match_outcome outcome;
	uint64_t times;      /* taken for a request */
	uint64_t matched_ns; /* the last time; since the replay began */
	uint64_t ttfb_ns, duration_ns;
	bool whole; /* these are known */
};

struct replay_calls {
	const struct tape *tape;
	struct call *calls; /* as in tape->exchanges */
	uint64_t start_ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t since(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

struct replay_calls *replay_calls_new(const struct tape *tape)
{
	struct replay_calls *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tape = tape;
	c->start_ns = now_ns();
	c->calls = calloc(tape->exchange_count + 1, sizeof(*c->calls));
	if (c->calls)
		return c;
	free(c);
	return NULL;
}

void replay_calls_free(struct replay_calls *c)
{
	if (!c)
		return;
	free(c->calls);
	free(c);
}

static struct call *call_of(const struct replay_calls *c, uint64_t number)
{
	return number && number <= c->tape->exchange_count ? &c->calls[number - 1] : NULL;
}

void replay_calls_match(struct replay_calls *c, const struct match *match)
{
	struct call *call = match->exchange ? call_of(c, match->exchange->number) : NULL;

	if (!call)
		return;
	call->outcome = match->outcome;
	call->matched_ns = since(c->start_ns, now_ns());
	call->times++;
}

void replay_calls_served(struct replay_calls *c, const struct peer_served *served)
{
	struct call *call = call_of(c, served->exchange->number);

	if (!call)
		return;
	call->whole = true;
	call->ttfb_ns = since(served->asked_ns, served->first_ns);
	call->duration_ns = since(served->asked_ns, served->last_ns);
}

void replay_calls_explain(const struct replay_calls *c, json_t *explanation)
{
	json_t *numbers = json_object_get(explanation, "calls"), *served, *number;
	size_t i;

	if (!numbers)
		return;
	served = json_array();
	json_array_foreach(numbers, i, number)
	{
		const struct call *call = call_of(c, (uint64_t)json_integer_value(number));

		if (call && call->times)
			json_array_append_new(served,
				json_pack("{s:O, s:I, s:s}", "number", number, "time_ns",
					(json_int_t)call->matched_ns, "outcome",
					match_outcome_name(call->outcome)));
	}
	json_object_set_new(explanation, "served", served);
}

static json_t *timing_json(uint64_t ttfb_ns, uint64_t duration_ns)
{
	return json_pack("{s:I, s:I}", "ttfb_ns", (json_int_t)ttfb_ns, "duration_ns",
		(json_int_t)duration_ns);
}

static uint64_t recorded_duration(const struct exchange *x)
{
	return since(x->request.end_ns, x->response.end_ns);
}

static json_t *call_json(const struct exchange *x, const struct call *call)
{
	json_t *json = json_pack("{s:I, s:s, s:I}", "number", (json_int_t)x->number, "outcome",
		match_outcome_name(call->outcome), "times", (json_int_t)call->times);

	json_object_set_new(json, "recorded",
		timing_json(since(x->request.end_ns, x->response.start_ns), recorded_duration(x)));
	if (call->whole)
		json_object_set_new(
			json, "replayed", timing_json(call->ttfb_ns, call->duration_ns));
	return json;
}

json_t *replay_calls_json(const struct replay_calls *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->tape->exchange_count; i++) {
		if (c->calls[i].times && json_array_size(list) < REPLAY_CALLS_MAX)
			json_array_append_new(list, call_json(c->tape->exchanges[i], &c->calls[i]));
	}
	return list;
}

json_t *replay_calls_timing(const struct replay_calls *c)
{
	uint64_t recorded = 0, replayed = 0, count = 0;

	for (size_t i = 0; i < c->tape->exchange_count; i++) {
		if (!c->calls[i].whole)
			continue;
		recorded += recorded_duration(c->tape->exchanges[i]);
		replayed += c->calls[i].duration_ns;
		count++;
	}
	return json_pack("{s:I, s:I, s:I}", "recorded_ns", (json_int_t)recorded, "replayed_ns",
		(json_int_t)replayed, "calls", (json_int_t)count);
}

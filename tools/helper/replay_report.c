/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_private.h"

#include <stdlib.h>
#include <time.h>

/* What is said of a replay at its end. */

static json_t *unused_list(const struct replay *r)
{
	const struct exchange **list = NULL;
	json_t *to = json_array();
	size_t count = 0;

	if (matcher_unused(r->matcher, &list, &count) < 0)
		return to;
	for (size_t i = 0; i < count && i < MISSES_MAX; i++) {
		const struct http1_head *head = list[i]->request.head;

		if (head)
			json_array_append_new(to,
				json_pack("{s:I, s:s%, s:o}", "number", (json_int_t)list[i]->number,
					"method", (const char *)head->method.data, head->method.len,
					"url",
					json_sprintf("%s://%s%.*s", list[i]->tls ? "https" : "http",
						list[i]->authority, (int)head->target.len,
						(const char *)head->target.data)));
	}
	free(list);
	return to;
}

static json_t *unused_dialogues(const struct replay *r)
{
	const struct dialogue **list = NULL;
	json_t *to = json_array();
	size_t count = 0;

	if (!r->peer || peer_unused_dialogues(r->peer, &list, &count) < 0)
		return to;
	for (size_t i = 0; i < count && i < MISSES_MAX; i++)
		json_array_append_new(to, json_string(list[i]->address) ?: json_null());
	free(list);
	return to;
}

static uint64_t missed(const struct replay *r)
{
	struct match_totals t;
	struct peer_stats p = {0};

	matcher_totals(r->matcher, &t);
	if (r->peer)
		peer_stats(r->peer, &p);
	return t.missed + p.dialogues_missed + p.websockets_missed + r->unknown_names + r->refused;
}

static void add_live(const struct replay *r, json_t *report)
{
	const char *child = r->child ? child_recording(r->child) : NULL;

	json_object_set_new(
		report, "mode", json_string(r->options.mode ? r->options.mode : "strict"));
	if (child)
		json_object_set_new(report, "child", json_string(child));
	if (r->live_calls)
		json_object_set(report, "live_failures", live_calls_failures(r->live_calls));
}

/* {"different": 2, "used_up": 1, …}. */
static json_t *types_json(const json_t *misses)
{
	json_t *types = json_object(), *miss;
	size_t i;

	json_array_foreach((json_t *)misses, i, miss)
	{
		const char *type = json_string_value(json_object_get(miss, "type"));

		type = type ? type : "unknown";
		json_object_set_new(types, type,
			json_integer(json_integer_value(json_object_get(types, type)) + 1));
	}
	return types;
}

static json_t *rfc3339(int64_t seconds)
{
	char text[32];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

/* Of all that was asked for, how much was answered from the recording. */
static double success_rate(uint64_t served, uint64_t missing)
{
	return served + missing ? (double)served / (double)(served + missing) : 1;
}

static void add_statistics(const struct replay *r, const struct match_totals *t, json_t *report)
{
	json_object_set_new(report, "time", rfc3339(time(NULL)));
	json_object_set_new(report, "recorded_at",
		rfc3339((int64_t)(recording_wall_ns(r->recording) / 1000000000)));
	json_object_set_new(
		report, "success_rate", json_real(success_rate(t->served, missed(r) + t->live)));
	json_object_set_new(report, "mismatch_count", json_integer((json_int_t)missed(r)));
	json_object_set_new(report, "mismatch_types", types_json(r->misses));
	json_object_set_new(report, "timing", replay_calls_timing(r->calls));
	json_object_set_new(report, "calls", replay_calls_json(r->calls));
}

json_t *replay_report(const struct replay *r)
{
	json_t *report = json_object();
	struct match_totals t;
	struct live_calls_totals live = {0};
	struct peer_stats p = {0};

	matcher_totals(r->matcher, &t);
	if (r->peer)
		peer_stats(r->peer, &p);
	if (r->live_calls)
		live_calls_totals(r->live_calls, &live);
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"recorded", t.recorded},
		{"served", t.served},
		{"exact", t.exact},
		{"normalised", t.normalised - t.explained},
		{"explained", t.explained},
		{"nearest", t.nearest},
		{"repeated", t.repeated},
		{"live", live.calls},
		{"live_failed", live.failed},
		{"missed", missed(r)},
		{"unused", t.unused},
		{"ambiguous", t.ambiguous},
		{"sinks", t.sinks},
		{"sinks_repeated", t.sinks_repeated},
		{"sinks_unrecorded", t.sinks_unrecorded + r->unknown_sinks},
		{"messages", p.messages},
		{"messages_normalised", p.messages_normalised},
		{"dialogues_recorded", p.dialogues_recorded},
		{"dialogues", p.dialogues},
		{"unknown_names", r->unknown_names},
		{"refused", r->refused},
		{"connections", p.connections},
		{"not_http", p.not_http},
		{"unannounced", p.unannounced},
	};

	json_object_set_new(report, "recording", json_string(r->options.path));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(
			report, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	add_live(r, report);
	add_statistics(r, &t, report);
	json_object_set(report, "misses", r->misses);
	json_object_set(report, "warnings", r->warnings);
	json_object_set_new(report, "faults", faults_report(r->options.faults));
	json_object_set_new(report, "unused_exchanges", unused_list(r));
	json_object_set_new(report, "unused_dialogues", unused_dialogues(r));
	return report;
}

uint64_t replay_unused(const struct replay *r)
{
	const struct dialogue **list = NULL;
	struct match_totals t;
	size_t count = 0;

	matcher_totals(r->matcher, &t);
	if (r->peer && peer_unused_dialogues(r->peer, &list, &count) == 0)
		free(list);
	return t.unused + count;
}

bool replay_is_clean(const struct replay *r)
{
	return r->options.tolerant || missed(r) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/child_manifest.h"

#include <string.h>
#include <time.h>
#include "storage/manifest.h"
#include "tools/helper/record.h"

static json_t *now_text(void)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *child_manifest(const char *parent, const char *id, const json_t *set)
{
	int error;
	json_t *m = manifest_read(parent, &error);
	const char *parent_id = json_string_value(json_object_get(m, "id"));
	json_t *parent_of;

	/* A recording is whole without its manifest. */
	if (!m)
		m = json_object();
	parent_of = json_pack("{s:s?, s:s}", "id", parent_id, "path", parent);
	json_object_set_new(m, "parent", parent_of);
	json_object_set_new(m, "id", json_string(id));
	json_object_set_new(m, "created", now_text());
	json_object_del(m, "session");
	json_object_del(m, "error");
	json_object_del(m, "set");
	if (json_array_size(set))
		json_object_set(m, "set", (json_t *)set);
	return m;
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_number(json_t *to, const json_t *from, const char *key)
{
	json_object_set_new(to, key, json_integer(number(to, key) + number(from, key)));
}

/* Each value once, the parent's first. */
static void join_arrays(json_t *to, const json_t *from, const char *key)
{
	json_t *all = json_array(), *value;
	const json_t *parts[] = {json_object_get(from, key), json_object_get(to, key)};
	size_t i, k;

	for (size_t part = 0; part < 2; part++) {
		json_array_foreach(parts[part], i, value)
		{
			for (k = 0; k < json_array_size(all); k++) {
				if (json_equal(json_array_get(all, k), value))
					break;
			}
			if (k == json_array_size(all))
				json_array_append(all, value);
		}
	}
	json_object_set_new(to, key, all);
}

static void join_totals(json_t *m, const json_t *parent)
{
	json_t *to = json_object_get(m, "totals"), *from = json_object_get(parent, "totals");
	json_t *redactions = json_object_get(m, "redactions"), *value;
	const char *kind;

	add_number(to, from, "exchanges");
	add_number(to, from, "connections");
	add_number(to, from, "records_lost");
	add_number(m, parent, "total_chunks");
	json_object_foreach(json_object_get(parent, "redactions"), kind, value)
		add_number(redactions, json_object_get(parent, "redactions"), kind);
}

void child_manifest_complete(json_t *m, const struct collector *c,
	const struct recording_totals *totals, struct redactor *redactor, uint64_t calls)
{
	json_t *parent = json_copy(m), *processes = json_object_get(m, "processes");

	record_fill_manifest(
		m, c, totals, redactor, processes ? json_incref(processes) : json_array());
	join_totals(m, parent);
	join_arrays(m, parent, "model_ids");
	join_arrays(m, parent, "seeds");
	json_object_set_new(m, "live",
		json_integer(
			(json_int_t)calls + json_integer_value(json_object_get(parent, "live"))));
	json_decref(parent);
}

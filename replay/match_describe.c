/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

static json_t *text_json(struct span s)
{
	json_t *text = json_stringn((const char *)s.data, s.len);

	return text ? text : match_excerpt(s);
}

static json_t *key_json(struct span form)
{
	struct call_key key = canon_key(form);
	struct buffer hex = BUFFER(64);
	json_t *text;

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		(void)buffer_printf(&hex, "%02x", key.bytes[i]);
	text = text_json((struct span){hex.data, hex.len});
	buffer_free(&hex);
	return text;
}

/* Those that apply, in the order they are heard in. */
static json_t *rules_json(const struct rules_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; v->rules && i < rules_count(v->rules); i++) {
		if (rules_applies(v, i))
			json_array_append_new(list,
				json_pack("{s:s?, s:s}", "name", rules_name(v->rules, i), "source",
					rules_source(v->rules, i)));
	}
	return list;
}

static json_t *describe(const struct exchange *x, const struct rules *rules, struct span canonical,
	struct span normalised)
{
	struct form raw, normal;
	struct rules_view applying;
	json_t *json, *body;

	form_parse(canonical, &raw);
	form_parse(normalised, &normal);
	rules_view(rules, raw.line, &applying);
	body = normal.json ? json_incref(normal.json) : text_json(normal.body);
	json = json_pack("{s:I, s:o, s:o, s:o, s:s?, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "number",
		(json_int_t)x->number, "line", text_json(normal.line), "key", key_json(canonical),
		"normalised_key", key_json(normalised), "provider", rules_provider(&applying),
		"rules", rules_json(&applying), "sink", rules_is_sink(&applying), "marks",
		match_marks(&raw, &normal), "head",
		text_json((struct span){
			normalised.data, (size_t)(normal.body.data - normalised.data)}),
		"body", body, "canonical", text_json(canonical), "normalised",
		text_json(normalised));
	form_free(&raw);
	form_free(&normal);
	return json;
}

json_t *match_describe(
	const struct tape *t, const struct exchange *x, const struct canon_view *view)
{
	struct buffer canonical = BUFFER(CANON_FORM_MAX), normalised = BUFFER(CANON_NORMAL_MAX);
	json_t *json = NULL;
	int r = x->request.head ? match_recorded_form(t, x, CANON_BODY_MAX, &canonical) : -1;

	r = r ? r
	      : canon_normalise((struct span){canonical.data, canonical.len}, view, &normalised);
	if (r == 0)
		json = describe(x, view ? view->rules : NULL,
			(struct span){canonical.data, canonical.len},
			(struct span){normalised.data, normalised.len});
	buffer_free(&canonical);
	buffer_free(&normalised);
	return json;
}

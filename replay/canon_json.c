/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_parts.h"

/*
 * JSON written anew: no blanks, one spelling, members sorted by name, doubled ones in their order.
 * The normalised form is the same with marks, and with arrays sorted that rules say are sets.
 */

#define NESTED_MAX    4  /* JSON in a string of JSON in a string */
#define ORDERED_DEPTH 64 /* up to here values of names that became the same are sorted, too */

/* What is chosen, not made up: an answer for another model or version is another answer. */
static const char *const exact_members[] = {"model", "modelId", "model_id", "model_name",
	"anthropic_version", "api_version", "apiVersion"};

/* Where rules are that may come to match. */
struct place {
	struct rules_path path;
	bool ruled;
	bool unordered; /* the array here */
};

static int write_value(struct canon_writer *w, uint32_t i, const struct place *place);

static int append_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static struct place place_at(struct rules_path path)
{
	struct place place = {.path = path};

	for (size_t i = 0; i < sizeof(path.bits) / sizeof(*path.bits); i++)
		place.ruled |= path.bits[i] != 0;
	return place;
}

static bool is_exact(struct span name)
{
	for (size_t i = 0; i < sizeof(exact_members) / sizeof(*exact_members); i++) {
		if (span_equal(name, span_of(exact_members[i])))
			return true;
	}
	return false;
}

/* ---- values ---- */

static int write_string_as_is(struct canon_writer *w, uint32_t i)
{
	struct span s = canon_node_span(w, i);
	struct buffer text = BUFFER(SIZE_MAX);
	int r = append_text(w->out, "\"");

	if (!r && w->tree->nodes[i].spelling != CANON_FREE)
		r = buffer_append(w->out, s.data, s.len);
	else if (!r) {
		r = canon_unescape(s, &text);
		r = r ? r : canon_escape((struct span){text.data, text.len}, w->out);
		buffer_free(&text);
	}
	return r ? r : append_text(w->out, "\"");
}

static bool may_be_json(struct span s)
{
	uint8_t last;

	if (s.len < 2 || (s.data[0] != '{' && s.data[0] != '['))
		return false;
	last = s.data[s.len - 1];
	return last == '}' || last == ']' || last <= ' ';
}

static int write_tree(struct span text, struct canon_normal *normal, const struct place *place,
	size_t nested, size_t depth, struct buffer *out)
{
	struct canon_tree tree;
	struct canon_writer w = {.tree = &tree,
		.normal = normal,
		.nested = nested,
		.depth = depth,
		.names = BUFFER(SIZE_MAX),
		.out = out};
	int r = canon_tree_parse(&tree, text, CANON_DEPTH_MAX - depth);

	r = r ? r : write_value(&w, 0, place);
	buffer_free(&w.names);
	free(w.members);
	canon_tree_free(&tree);
	return r;
}

/* -EBADMSG: it is not. */
static int write_json_in_string(struct canon_writer *w, struct span text, const struct place *place)
{
	struct buffer inner = BUFFER(w->out->max);
	int r = write_tree(text, w->normal, place, w->nested + 1, w->depth, &inner);

	r = r ? r : append_text(w->out, "\"");
	r = r ? r : canon_escape((struct span){inner.data, inner.len}, w->out);
	buffer_free(&inner);
	return r ? r : append_text(w->out, "\"");
}

static int write_text(struct canon_writer *w, struct span text)
{
	int r = append_text(w->out, "\"");

	r = r ? r : canon_normal_text(w->normal, text, SHAPES_TEXT, true, w->out);
	return r ? r : append_text(w->out, "\"");
}

static int write_string(struct canon_writer *w, uint32_t i, const struct place *place)
{
	struct span s = canon_node_span(w, i);
	struct buffer text = BUFFER(SIZE_MAX);
	int r = 0;

	if (!w->normal)
		return write_string_as_is(w, i);
	if (w->tree->nodes[i].spelling != CANON_PLAIN) {
		r = canon_unescape(s, &text);
		s = (struct span){text.data, text.len};
	}
	if (!r) {
		r = w->nested < NESTED_MAX && may_be_json(s) ? write_json_in_string(w, s, place)
							     : -EBADMSG;
		r = r == -EBADMSG ? write_text(w, s) : r;
	}
	buffer_free(&text);
	return r;
}

static int write_number(struct canon_writer *w, uint32_t i)
{
	struct span s = canon_node_span(w, i);

	if (w->normal && canon_normal_is_time(w->normal, s))
		return append_text(w->out, "\"" SHAPE_TIME "\"");
	if (w->tree->nodes[i].spelling == CANON_PLAIN)
		return buffer_append(w->out, s.data, s.len);
	return canon_number(s, w->out);
}

static int write_mark(struct canon_writer *w, uint32_t i, const char *mark)
{
	int r = append_text(w->out, "\"");

	mark = mark ? mark : CANON_ANY;
	r = r ? r : canon_note_mark(w->normal->marks, mark, canon_node_span(w, i));
	r = r ? r : canon_escape(span_of(mark), w->out);
	return r ? r : append_text(w->out, "\"");
}

static int write_exactly(struct canon_writer *w, uint32_t i)
{
	struct canon_normal *normal = w->normal;
	struct place nowhere = {0};
	int r;

	w->normal = NULL;
	r = write_value(w, i, &nowhere);
	w->normal = normal;
	return r;
}

static int write_by_rule(struct canon_writer *w, uint32_t i, enum rule_action action,
	const char *mark, const struct place *place)
{
	if (action == RULE_MARK)
		return write_mark(w, i, mark);
	if (action == RULE_EXACT)
		return write_exactly(w, i);
	if (action == RULE_UNORDERED) {
		struct place unordered = *place;

		unordered.unordered = true;
		return write_value(w, i, &unordered);
	}
	return write_value(w, i, place);
}

/* What the rules say to the member `name` or, without one, element `index`. */
static enum rule_action step_to(struct canon_writer *w, const struct place *from, struct span name,
	size_t index, struct place *ret, const char **ret_mark)
{
	enum rule_action action = RULE_NONE;

	ret->ruled = ret->unordered = false;
	*ret_mark = NULL;
	if (from->ruled) {
		action = rules_json_step(
			&w->normal->rules, &from->path, name, index, &ret->path, ret_mark);
		*ret = place_at(ret->path);
	}
	return action;
}

static size_t noted(const struct canon_writer *w)
{
	return canon_noted(w->normal ? w->normal->marks : NULL);
}

/* Leaves in the member what was written and noted: nothing for what is left out. */
static int write_member(struct canon_writer *w, size_t at, const struct place *from, bool first)
{
	struct canon_member m = w->members[at];
	struct span written = canon_member_name(w, &m), name = canon_node_span(w, m.name);
	struct buffer scratch = BUFFER(SIZE_MAX), again = BUFFER(SIZE_MAX);
	enum rule_action action = RULE_NONE;
	const char *mark = NULL;
	struct place place;
	int r = from->ruled || m.marked ? canon_member_text(w, m.name, &scratch, &name) : 0;

	if (!r)
		action = step_to(w, from, name, 0, &place, &mark);
	if (!r && w->normal && (action == RULE_NONE || action == RULE_UNORDERED) &&
		is_exact(name) && w->tree->nodes[m.name + 1].kind == CANON_STRING)
		action = RULE_EXACT;
	w->members[at].len = 0;
	w->members[at].noted = (uint32_t)noted(w);
	if (!r && m.marked && action != RULE_IGNORE && w->normal->marks)
		r = canon_member_mark(w->normal, name, true, &again);
	buffer_free(&scratch);
	buffer_free(&again);
	if (r || action == RULE_IGNORE)
		return r;
	r = first ? 0 : append_text(w->out, ",");
	w->members[at].at = (uint32_t)w->out->len;
	r = r ? r : append_text(w->out, "\"");
	r = r ? r : buffer_append(w->out, written.data, written.len);
	r = r ? r : append_text(w->out, "\":");
	r = r ? r : write_by_rule(w, m.name + 1, action, mark, &place);
	w->members[at].len = (uint32_t)(w->out->len - w->members[at].at);
	w->members[at].noted_len = (uint32_t)noted(w) - w->members[at].noted;
	return r;
}

static int write_members(struct canon_writer *w, size_t base, const struct place *place)
{
	size_t count = w->count, start = w->out->len;
	int r = 0;

	for (size_t from = base, to; from < count && !r; from = to) {
		size_t before = w->out->len;
		bool whole = true;

		to = canon_members_same(w, from);
		for (size_t i = from; i < to && !r; i++) {
			r = write_member(w, i, place, w->out->len == start);
			whole &= w->members[i].len != 0;
		}
		if (!r && whole && to - from > 1 && w->depth <= ORDERED_DEPTH &&
			w->out->len > before)
			r = canon_members_rewrite(w, from, to);
	}
	return r;
}

static int write_object(struct canon_writer *w, uint32_t i, const struct place *place)
{
	size_t base = w->count, names = w->names.len;
	const struct canon_node *nodes = w->tree->nodes;
	int r = append_text(w->out, "{");

	for (uint32_t at = i + 1; at < nodes[i].end && !r; at = nodes[at + 1].end)
		r = canon_members_push(w, at);
	if (!r) {
		canon_members_sort(w, base);
		r = write_members(w, base, place);
	}
	w->count = base;
	w->names.len = names;
	return r ? r : append_text(w->out, "}");
}

/* `parts`: NULL where the elements have an order. */
static int write_elements(
	struct canon_writer *w, uint32_t i, const struct place *from, struct canon_parts *parts)
{
	const struct canon_node *nodes = w->tree->nodes;
	size_t index = 0, start = w->out->len;
	int r = 0;

	for (uint32_t at = i + 1; at < nodes[i].end && !r; at = nodes[at].end) {
		struct place place;
		const char *mark;
		enum rule_action action =
			step_to(w, from, (struct span){0}, index++, &place, &mark);

		if (action == RULE_IGNORE)
			continue;
		r = w->out->len == start ? 0 : append_text(w->out, ",");
		if (!r && parts)
			r = canon_parts_begin(parts, NULL, w->out, w->normal->marks);
		r = r ? r : write_by_rule(w, at, action, mark, &place);
		if (!r && parts)
			canon_parts_end(parts, w->out, w->normal->marks);
	}
	return r;
}

static bool has_many(const struct canon_writer *w, uint32_t i)
{
	const struct canon_node *nodes = w->tree->nodes;
	size_t count = 0;

	for (uint32_t at = i + 1; at < nodes[i].end && count <= CANON_PARTS_MAX; at = nodes[at].end)
		count++;
	return count > CANON_PARTS_MAX;
}

static int write_array(struct canon_writer *w, uint32_t i, const struct place *place)
{
	bool sorted = place->unordered && w->depth <= ORDERED_DEPTH && !has_many(w, i);
	struct canon_parts parts = {0};
	int r = append_text(w->out, "[");

	r = r ? r : write_elements(w, i, place, sorted ? &parts : NULL);
	if (!r && sorted)
		r = canon_parts_sort(&parts, w->out, w->normal->marks);
	canon_parts_free(&parts);
	return r ? r : append_text(w->out, "]");
}

static int write_value(struct canon_writer *w, uint32_t i, const struct place *place)
{
	struct span s = canon_node_span(w, i);
	int r;

	w->depth++;
	switch (w->tree->nodes[i].kind) {
	case CANON_OBJECT:
		r = write_object(w, i, place);
		break;
	case CANON_ARRAY:
		r = write_array(w, i, place);
		break;
	case CANON_STRING:
		r = write_string(w, i, place);
		break;
	case CANON_NUMBER:
		r = write_number(w, i);
		break;
	default:
		r = buffer_append(w->out, s.data, s.len);
	}
	w->depth--;
	return r;
}

int canon_json(struct span text, struct buffer *out)
{
	struct place nowhere = {0};

	return write_tree(text, NULL, &nowhere, 0, 0, out);
}

int canon_normal_json(struct canon_normal *n, struct span text, struct buffer *out)
{
	struct place root = place_at(rules_json_root(&n->rules));

	return may_be_json(text) ? write_tree(text, n, &root, 0, 0, out) : -EBADMSG;
}

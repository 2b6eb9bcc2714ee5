/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_tree.h"

/*
 * JSON written anew: no blanks, one spelling, members sorted by name, doubled ones in their order.
 * The normalised form is the same with marks.
 */

#define NESTED_MAX      4 /* JSON in a string of JSON in a string */
#define SORTED_SIMPLY   24
#define MEMBERS_MIN     64
#define ORDERED_DEPTH   64 /* up to here values of names that became the same are sorted, too */
#define ORDINARY_LENGTH 20 /* of a name in letters; ids are longer */

/* What is chosen, not made up: an answer for another model or version is another answer. */
static const char *const exact_members[] = {"model", "modelId", "model_id", "model_name",
	"anthropic_version", "api_version", "apiVersion"};

struct member {
	uint32_t at, len; /* of its name as written: in `names` or the text; later of all of it */
	uint32_t name;    /* node; its value is the next */
	uint32_t noted, noted_len; /* the values noted for it */
	bool own, marked;          /* in `names`; with a mark in it */
};

struct writer {
	const struct canon_tree *tree;
	struct canon_normal *normal; /* NULL: canonical */
	size_t nested, depth;
	struct buffer names;
	struct member *members; /* a stack: those of all objects that are being written */
	size_t count, room;
	struct buffer *out;
};

/* Where rules are that may come to match. */
struct place {
	struct rules_path path;
	bool ruled;
};

static int write_value(struct writer *w, uint32_t i, const struct place *place);

static int append_text(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static struct span node_span(const struct writer *w, uint32_t i)
{
	const struct canon_node *n = &w->tree->nodes[i];

	return (struct span){w->tree->text.data + n->at, n->len};
}

static struct place place_at(struct rules_path path)
{
	struct place place = {path, false};

	for (size_t i = 0; i < sizeof(path.bits) / sizeof(*path.bits); i++)
		place.ruled |= path.bits[i] != 0;
	return place;
}

/* ---- names ---- */

static bool is_ordinary(struct span name)
{
	if (name.len > ORDINARY_LENGTH)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (c != '_' && ((c | 0x20) < 'a' || (c | 0x20) > 'z'))
			return false;
	}
	return true;
}

static bool is_exact(struct span name)
{
	for (size_t i = 0; i < sizeof(exact_members) / sizeof(*exact_members); i++) {
		if (span_equal(name, span_of(exact_members[i])))
			return true;
	}
	return false;
}

/* What the name says: into `scratch` if it has escapes. */
static int name_text(const struct writer *w, uint32_t i, struct buffer *scratch, struct span *ret)
{
	int r = 0;

	*ret = node_span(w, i);
	if (w->tree->nodes[i].spelling == CANON_PLAIN)
		return 0;
	buffer_reset(scratch);
	r = canon_unescape(*ret, scratch);
	*ret = (struct span){scratch->data, scratch->len};
	return r;
}

/* `note`: its values, too, which are to be in the order of the form, not of the text. */
static int mark_name(
	const struct canon_normal *normal, struct span name, bool note, struct buffer *out)
{
	struct canon_normal n = *normal;

	if (!note)
		n.marks = NULL;
	return canon_normal_text(&n, name, SHAPES_TEXT, true, out);
}

/* The name as it is to be written, if it is another than in the text. */
static int spell_name(struct writer *w, uint32_t i, struct member *m)
{
	struct buffer scratch = BUFFER(SIZE_MAX);
	size_t before = w->names.len;
	struct span name, spelled;
	int r = name_text(w, i, &scratch, &name);

	if (!r && w->normal)
		r = mark_name(w->normal, name, false, &w->names);
	else if (!r)
		r = canon_escape(name, &w->names);
	buffer_free(&scratch);
	spelled = (struct span){w->names.data + before, w->names.len - before};
	if (r || span_equal(spelled, node_span(w, i))) {
		w->names.len = before;
		return r;
	}
	m->own = true;
	m->marked = w->normal != NULL;
	m->at = (uint32_t)before;
	m->len = (uint32_t)spelled.len;
	return 0;
}

static int push_member(struct writer *w, uint32_t i)
{
	const struct canon_node *n = &w->tree->nodes[i];
	struct member m = {.at = n->at, .len = n->len, .name = i};
	int r = 0;

	if (w->normal ? !is_ordinary(node_span(w, i)) : n->spelling == CANON_FREE)
		r = spell_name(w, i, &m);
	if (!r && w->count == w->room) {
		size_t room = w->room ? 2 * w->room : MEMBERS_MIN;
		struct member *members = realloc(w->members, room * sizeof(*members));

		if (!members)
			return -ENOMEM;
		w->members = members;
		w->room = room;
	}
	if (!r)
		w->members[w->count++] = m;
	return r;
}

/* ---- order ---- */

static struct span member_name(const struct writer *w, const struct member *m)
{
	return (struct span){(m->own ? w->names.data : w->tree->text.data) + m->at, m->len};
}

static int compare_spans(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int r = shorter ? memcmp(a.data, b.data, shorter) : 0;

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const void *x, const void *y, void *writer)
{
	const struct member *a = x, *b = y;
	int r = compare_spans(member_name(writer, a), member_name(writer, b));

	return r ? r : (a->name > b->name) - (a->name < b->name);
}

static void sort_few(struct writer *w, struct member *members, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct member m = members[i];
		size_t to = i;

		for (; to && compare_names(&members[to - 1], &m, w) > 0; to--)
			members[to] = members[to - 1];
		members[to] = m;
	}
}

static void sort_members(struct writer *w, size_t base)
{
	struct member *members = w->members + base;
	size_t count = w->count - base;

	if (count <= SORTED_SIMPLY)
		sort_few(w, members, count);
	else
		qsort_r(members, count, sizeof(*members), compare_names, w);
}

static int compare_written(const void *x, const void *y, void *text)
{
	const struct member *a = x, *b = y;
	const uint8_t *data = ((const struct buffer *)text)->data;

	return compare_spans(
		(struct span){data + a->at, a->len}, (struct span){data + b->at, b->len});
}

static size_t noted_count(const struct writer *w)
{
	return w->normal && w->normal->marks ? w->normal->marks->count : 0;
}

/* What was noted for the members from `from` to `to`, in their new order. */
static int reorder_noted(struct writer *w, size_t from, size_t to, size_t start)
{
	struct canon_marks *marks = w->normal->marks, copy = {0};
	size_t end = noted_count(w);
	int r = end > start ? canon_marks_add(&copy, marks->values + start, end - start) : 0;

	if (r || end == start)
		return r;
	marks->count = start;
	for (size_t i = from; i < to && !r; i++) {
		const struct member *m = &w->members[i];

		r = canon_marks_add(marks, copy.values + (m->noted - start), m->noted_len);
	}
	canon_marks_free(&copy);
	return r;
}

/* Members from `from` to `to`, written, one after the other, are written again in their order. */
static int rewrite_sorted(struct writer *w, size_t from, size_t to)
{
	size_t start = w->members[from].at, noted = w->members[from].noted;
	struct buffer copy = BUFFER(SIZE_MAX);
	int r;

	qsort_r(w->members + from, to - from, sizeof(*w->members), compare_written, w->out);
	r = buffer_append(&copy, w->out->data + start, w->out->len - start);
	w->out->len = start;
	for (size_t i = from; i < to && !r; i++) {
		const struct member *m = &w->members[i];

		r = i > from ? append_text(w->out, ",") : 0;
		r = r ? r : buffer_append(w->out, copy.data + (m->at - start), m->len);
	}
	buffer_free(&copy);
	return r || !w->normal->marks ? r : reorder_noted(w, from, to, noted);
}

/* ---- values ---- */

static int write_string_as_is(struct writer *w, uint32_t i)
{
	struct span s = node_span(w, i);
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
	struct writer w = {.tree = &tree,
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
static int write_json_in_string(struct writer *w, struct span text, const struct place *place)
{
	struct buffer inner = BUFFER(w->out->max);
	int r = write_tree(text, w->normal, place, w->nested + 1, w->depth, &inner);

	r = r ? r : append_text(w->out, "\"");
	r = r ? r : canon_escape((struct span){inner.data, inner.len}, w->out);
	buffer_free(&inner);
	return r ? r : append_text(w->out, "\"");
}

static int write_text(struct writer *w, struct span text)
{
	int r = append_text(w->out, "\"");

	r = r ? r : canon_normal_text(w->normal, text, SHAPES_TEXT, true, w->out);
	return r ? r : append_text(w->out, "\"");
}

static int write_string(struct writer *w, uint32_t i, const struct place *place)
{
	struct span s = node_span(w, i);
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

static int write_number(struct writer *w, uint32_t i)
{
	struct span s = node_span(w, i);

	if (w->normal && canon_normal_is_time(w->normal, s))
		return append_text(w->out, "\"" SHAPE_TIME "\"");
	if (w->tree->nodes[i].spelling == CANON_PLAIN)
		return buffer_append(w->out, s.data, s.len);
	return canon_number(s, w->out);
}

static int write_mark(struct writer *w, uint32_t i, const char *mark)
{
	int r = append_text(w->out, "\"");

	mark = mark ? mark : CANON_ANY;
	r = r ? r : canon_note_mark(w->normal->marks, mark, node_span(w, i));
	r = r ? r : canon_escape(span_of(mark), w->out);
	return r ? r : append_text(w->out, "\"");
}

static int write_exactly(struct writer *w, uint32_t i)
{
	struct canon_normal *normal = w->normal;
	struct place nowhere = {0};
	int r;

	w->normal = NULL;
	r = write_value(w, i, &nowhere);
	w->normal = normal;
	return r;
}

static int write_by_rule(struct writer *w, uint32_t i, enum rule_action action, const char *mark,
	const struct place *place)
{
	if (action == RULE_MARK)
		return write_mark(w, i, mark);
	return action == RULE_EXACT ? write_exactly(w, i) : write_value(w, i, place);
}

/* What the rules say to the member `name` or, without one, element `index`. */
static enum rule_action step_to(struct writer *w, const struct place *from, struct span name,
	size_t index, struct place *ret, const char **ret_mark)
{
	enum rule_action action = RULE_NONE;

	ret->ruled = false;
	*ret_mark = NULL;
	if (from->ruled) {
		action = rules_json_step(
			&w->normal->rules, &from->path, name, index, &ret->path, ret_mark);
		*ret = place_at(ret->path);
	}
	return action;
}

/* *ret_len: of what was written, 0 for what is left out. */
static int write_member(struct writer *w, size_t at, const struct place *from, bool first)
{
	struct member m = w->members[at];
	struct span written = member_name(w, &m), name = node_span(w, m.name);
	struct buffer scratch = BUFFER(SIZE_MAX), again = BUFFER(SIZE_MAX);
	enum rule_action action = RULE_NONE;
	const char *mark = NULL;
	struct place place;
	int r = from->ruled || m.marked ? name_text(w, m.name, &scratch, &name) : 0;

	if (!r)
		action = step_to(w, from, name, 0, &place, &mark);
	if (!r && w->normal && action == RULE_NONE && is_exact(name) &&
		w->tree->nodes[m.name + 1].kind == CANON_STRING)
		action = RULE_EXACT;
	w->members[at].len = 0;
	w->members[at].noted = (uint32_t)noted_count(w);
	if (!r && m.marked && action != RULE_IGNORE && w->normal->marks)
		r = mark_name(w->normal, name, true, &again);
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
	w->members[at].noted_len = (uint32_t)noted_count(w) - w->members[at].noted;
	return r;
}

/* Members from `from` on whose names became one by their marks: the end of them. */
static size_t same_names(const struct writer *w, size_t from)
{
	size_t to = from + 1;

	while (w->members[from].marked && to < w->count && w->members[to].marked &&
		span_equal(member_name(w, &w->members[from]), member_name(w, &w->members[to])))
		to++;
	return to;
}

static int write_members(struct writer *w, size_t base, const struct place *place)
{
	size_t count = w->count, start = w->out->len;
	int r = 0;

	for (size_t from = base, to; from < count && !r; from = to) {
		size_t before = w->out->len;
		bool whole = true;

		to = same_names(w, from);
		for (size_t i = from; i < to && !r; i++) {
			r = write_member(w, i, place, w->out->len == start);
			whole &= w->members[i].len != 0;
		}
		if (!r && whole && to - from > 1 && w->depth <= ORDERED_DEPTH &&
			w->out->len > before)
			r = rewrite_sorted(w, from, to);
	}
	return r;
}

static int write_object(struct writer *w, uint32_t i, const struct place *place)
{
	size_t base = w->count, names = w->names.len;
	const struct canon_node *nodes = w->tree->nodes;
	int r = append_text(w->out, "{");

	for (uint32_t at = i + 1; at < nodes[i].end && !r; at = nodes[at + 1].end)
		r = push_member(w, at);
	if (!r) {
		sort_members(w, base);
		r = write_members(w, base, place);
	}
	w->count = base;
	w->names.len = names;
	return r ? r : append_text(w->out, "}");
}

static int write_array(struct writer *w, uint32_t i, const struct place *from)
{
	const struct canon_node *nodes = w->tree->nodes;
	size_t index = 0, start;
	int r = append_text(w->out, "[");

	start = w->out->len;
	for (uint32_t at = i + 1; at < nodes[i].end && !r; at = nodes[at].end) {
		struct place place;
		const char *mark;
		enum rule_action action =
			step_to(w, from, (struct span){0}, index++, &place, &mark);

		if (action == RULE_IGNORE)
			continue;
		r = w->out->len == start ? 0 : append_text(w->out, ",");
		r = r ? r : write_by_rule(w, at, action, mark, &place);
	}
	return r ? r : append_text(w->out, "]");
}

static int write_value(struct writer *w, uint32_t i, const struct place *place)
{
	struct span s = node_span(w, i);
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

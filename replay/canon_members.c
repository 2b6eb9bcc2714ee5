/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/canon_parts.h"

#define SORTED_SIMPLY   24
#define MEMBERS_MIN     64
#define ORDINARY_LENGTH 20 /* of a name in letters; ids are longer */

struct span canon_node_span(const struct canon_writer *w, uint32_t i)
{
	const struct canon_node *n = &w->tree->nodes[i];

	return (struct span){w->tree->text.data + n->at, n->len};
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

int canon_member_text(
	const struct canon_writer *w, uint32_t i, struct buffer *scratch, struct span *ret)
{
	int r = 0;

	*ret = canon_node_span(w, i);
	if (w->tree->nodes[i].spelling == CANON_PLAIN)
		return 0;
	buffer_reset(scratch);
	r = canon_unescape(*ret, scratch);
	*ret = (struct span){scratch->data, scratch->len};
	return r;
}

int canon_member_mark(
	const struct canon_normal *normal, struct span name, bool note, struct buffer *out)
{
	struct canon_normal n = *normal;

	if (!note)
		n.marks = NULL;
	return canon_normal_text(&n, name, SHAPES_TEXT, true, out);
}

/* The name as it is to be written, if it is another than in the text. */
static int spell_name(struct canon_writer *w, uint32_t i, struct canon_member *m)
{
	struct buffer scratch = BUFFER(SIZE_MAX);
	size_t before = w->names.len;
	struct span name, spelled;
	int r = canon_member_text(w, i, &scratch, &name);

	if (!r && w->normal)
		r = canon_member_mark(w->normal, name, false, &w->names);
	else if (!r)
		r = canon_escape(name, &w->names);
	buffer_free(&scratch);
	if (r)
		return r;
	spelled = (struct span){w->names.data + before, w->names.len - before};
	if (span_equal(spelled, canon_node_span(w, i))) {
		w->names.len = before;
		return 0;
	}
	m->own = true;
	m->marked = w->normal != NULL;
	m->at = (uint32_t)before;
	m->len = (uint32_t)spelled.len;
	return 0;
}

int canon_members_push(struct canon_writer *w, uint32_t i)
{
	const struct canon_node *n = &w->tree->nodes[i];
	struct canon_member m = {.at = n->at, .len = n->len, .name = i};
	int r = 0;

	if (w->normal ? !is_ordinary(canon_node_span(w, i)) : n->spelling == CANON_FREE)
		r = spell_name(w, i, &m);
	if (!r && w->count == w->room) {
		size_t room = w->room ? 2 * w->room : MEMBERS_MIN;
		struct canon_member *members = realloc(w->members, room * sizeof(*members));

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

struct span canon_member_name(const struct canon_writer *w, const struct canon_member *m)
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
	const struct canon_member *a = x, *b = y;
	int r = compare_spans(canon_member_name(writer, a), canon_member_name(writer, b));

	return r ? r : (a->name > b->name) - (a->name < b->name);
}

static void sort_few(struct canon_writer *w, struct canon_member *members, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct canon_member m = members[i];
		size_t to = i;

		for (; to && compare_names(&members[to - 1], &m, w) > 0; to--)
			members[to] = members[to - 1];
		members[to] = m;
	}
}

void canon_members_sort(struct canon_writer *w, size_t base)
{
	size_t count = w->count - base;
	struct canon_member *members = count ? w->members + base : NULL;

	if (count <= SORTED_SIMPLY)
		sort_few(w, members, count);
	else
		qsort_r(members, count, sizeof(*members), compare_names, w);
}

int canon_members_rewrite(struct canon_writer *w, size_t from, size_t to)
{
	struct canon_parts parts = {0};
	int r = 0;

	parts.list = calloc(to - from, sizeof(*parts.list));
	if (!parts.list)
		return -ENOMEM;
	for (size_t i = from; i < to; i++) {
		const struct canon_member *m = &w->members[i];

		parts.list[parts.count++] = (struct canon_part){
			.at = m->at, .len = m->len, .noted = m->noted, .noted_len = m->noted_len};
	}
	r = canon_parts_sort(&parts, w->out, w->normal->marks);
	canon_parts_free(&parts);
	return r;
}

size_t canon_members_same(const struct canon_writer *w, size_t from)
{
	size_t to = from + 1;

	while (w->members[from].marked && to < w->count && w->members[to].marked &&
		span_equal(canon_member_name(w, &w->members[from]),
			canon_member_name(w, &w->members[to])))
		to++;
	return to;
}

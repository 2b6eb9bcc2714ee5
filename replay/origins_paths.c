/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/shapes.h"

#define NODES_MAX (1u << 20)
#define PATH_MAX_ 4096
/* A slug without its first '-' is a word like others: it must be of some length. */
#define BARE_SLUG_MIN 8

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

static int make_node(struct paths *p, uint8_t byte, uint32_t *ret)
{
	struct path_node *grown;

	if ((p->count & (p->count - 1)) == 0) {
		grown = reallocarray(p->nodes, p->count ? p->count * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		p->nodes = grown;
	}
	p->nodes[p->count] = (struct path_node){.byte = byte};
	*ret = (uint32_t)p->count++;
	return 0;
}

static uint32_t find_child(const struct paths *p, uint32_t node, uint8_t byte)
{
	uint32_t child = p->nodes[node].child;

	while (child && p->nodes[child].byte != byte)
		child = p->nodes[child].sibling;
	return child;
}

static int add_spelling(
	struct paths *p, enum origin_kind kind, bool slug, const char *text, size_t len)
{
	uint32_t node = 0, next;

	if (p->count == 0 && make_node(p, 0, &node) < 0)
		return -ENOMEM;
	if (p->count + len > NODES_MAX)
		return 0;
	for (size_t i = 0; i < len; i++, node = next) {
		next = find_child(p, node, (uint8_t)text[i]);
		if (next)
			continue;
		if (make_node(p, (uint8_t)text[i], &next) < 0)
			return -ENOMEM;
		p->nodes[next].sibling = p->nodes[node].child;
		p->nodes[node].child = next;
	}
	p->nodes[node].kinds |= (uint8_t)(1u << kind);
	p->nodes[node].slug = slug;
	return 0;
}

/* ---- spellings ---- */

static size_t spell_slug(char *to, struct span path, bool all)
{
	for (size_t i = 0; i < path.len; i++) {
		uint8_t c = path.data[i];

		to[i] = c == '/' || (all && !shapes_is_word(c)) ? '-' : (char)c;
	}
	return path.len;
}

static size_t spell_percent(char *to, struct span path, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		uint8_t c = path.data[i];

		if (shapes_is_word(c) || is_one_of(c, "-_.~")) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '%';
		to[n++] = digits[c >> 4];
		to[n++] = digits[c & 15];
	}
	return n;
}

static int add_slugs(struct paths *p, enum origin_kind kind, struct span path, bool all)
{
	char text[PATH_MAX_] = "";
	size_t n = spell_slug(text, path, all);
	int r = add_spelling(p, kind, true, text, n);

	if (!r && n > BARE_SLUG_MIN && memchr(text + 1, '-', n - 1))
		r = add_spelling(p, kind, true, text + 1, n - 1);
	return r;
}

int paths_add(struct paths *p, enum origin_kind kind, struct span path)
{
	char text[PATH_MAX_ * 3];
	int r;

	if (path.len >= PATH_MAX_ || memchr(path.data, '\0', path.len))
		return 0;
	r = add_spelling(p, kind, false, (const char *)path.data, path.len);
	r = r ? r : add_slugs(p, kind, path, false);
	r = r ? r : add_slugs(p, kind, path, true);
	for (int upper = 0; upper < 2 && !r; upper++) {
		size_t n = spell_percent(text, path, upper);

		r = add_spelling(p, kind, false, text, n);
	}
	return r;
}

/* ---- finding ---- */

/* "../proj", "~/proj" and "${x}/proj" are other paths, and so is one in the middle of a word. */
static bool may_begin(struct span text, size_t at)
{
	uint8_t before = at ? text.data[at - 1] : ' ';

	return !shapes_is_word(before) && !is_one_of(before, ".~}])");
}

/* "/home/me/proj" is none in "/home/me/project", "/home/me/proj-2" and "/home/me/proj.old". */
static bool may_end(struct span text, size_t end, bool slug)
{
	uint8_t c = end < text.len ? text.data[end] : ' ';
	uint8_t next = end + 1 < text.len ? text.data[end + 1] : ' ';

	if (shapes_is_word(c) || c == '_' || c >= 0x80)
		return false;
	if (slug && c == '-')
		return true;
	return !is_one_of(c, "-.+@~") || !(shapes_is_word(next) || next == '_');
}

/* Where one folder is the working directory and HOME: alone it is the first, of what is in it the
 * second is said. */
static enum origin_kind kind_of(uint8_t kinds, struct span text, size_t end)
{
	bool inside = end + 1 < text.len &&
		(text.data[end] == '/' || text.data[end] == '-' || text.data[end] == '%');

	if (kinds & 1u << ORIGIN_FOLDER)
		return inside && kinds & 1u << ORIGIN_HOME ? ORIGIN_HOME : ORIGIN_FOLDER;
	return kinds & 1u << ORIGIN_HOME ? ORIGIN_HOME : ORIGIN_TEMPORARY;
}

size_t paths_find(const struct paths *p, struct span text, size_t at, enum origin_kind *ret_kind)
{
	size_t longest = 0;
	uint32_t node = 0;

	if (!p->count || !may_begin(text, at))
		return 0;
	for (size_t i = at; i < text.len; i++) {
		node = find_child(p, node, text.data[i]);
		if (!node)
			break;
		if (!p->nodes[node].kinds || !may_end(text, i + 1, p->nodes[node].slug))
			continue;
		longest = i + 1 - at;
		*ret_kind = kind_of(p->nodes[node].kinds, text, i + 1);
	}
	return longest;
}

uint32_t paths_kinds(const struct paths *p, struct span text)
{
	uint32_t node = 0;

	if (!p->count)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		node = find_child(p, node, text.data[i]);
		if (!node)
			return 0;
	}
	return p->nodes[node].kinds;
}

void paths_free(struct paths *p)
{
	free(p->nodes);
}

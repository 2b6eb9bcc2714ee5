/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "replay/shapes.h"

/* A name of one letter, or a number of one digit, may be anything. */
#define NAME_MIN 2
/* How far up the working directory's parents still say where it was. */
#define PARENTS_MIN_DEPTH 2
/* Each id that looks random is searched for in them. */
#define ARGUMENTS_MAX (32u << 10)

struct origins *origins_new(void)
{
	struct origins *o = calloc(1, sizeof(*o));

	if (o)
		o->arguments = BUFFER(ARGUMENTS_MAX);
	return o;
}

void origins_free(struct origins *o)
{
	if (!o)
		return;
	words_free(&o->names);
	paths_free(&o->paths);
	draws_free(&o->draws);
	spelled_free(&o->spelled);
	buffer_free(&o->arguments);
	free(o);
}

/* ---- what is known ---- */

static int add_name(struct origins *o, enum origin_kind kind, struct span name)
{
	return name.len < NAME_MIN ? 0 : words_add(&o->names, name, 1u << kind);
}

static struct span without_slashes(struct span path)
{
	while (path.len && path.data[path.len - 1] == '/')
		path.len--;
	return path;
}

static struct span base_of(struct span path)
{
	const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	return slash ? origins_after(path, (size_t)(slash - path.data) + 1) : path;
}

static size_t depth_of(struct span path)
{
	size_t depth = 0;

	for (size_t i = 0; i < path.len; i++)
		depth += path.data[i] == '/';
	return depth;
}

/* For comparing, the folder's own name and those above it say where it was, too. */
static int add_folder_names(struct origins *o, enum origin_kind kind, struct span path)
{
	int r = add_name(o, kind, base_of(path));

	while (!r && kind == ORIGIN_FOLDER && depth_of(path) > PARENTS_MIN_DEPTH) {
		path.len -= base_of(path).len + 1;
		r = words_add(&o->names, path, 1u << kind);
	}
	return r;
}

static int add_path(struct origins *o, enum origin_kind kind, struct span path)
{
	int r;

	path = without_slashes(path);
	if (path.len < NAME_MIN || path.data[0] != '/')
		return 0;
	r = paths_add(&o->paths, kind, path);
	return r ? r : add_folder_names(o, kind, path);
}

/* One, or a list with blanks in between. */
static int add_pids(struct origins *o, struct span list)
{
	int r = 0;

	while (list.len && !r) {
		const uint8_t *blank = memchr(list.data, ' ', list.len);
		size_t n = blank ? (size_t)(blank - list.data) : list.len;

		r = add_name(o, ORIGIN_PID, (struct span){list.data, n});
		list = origins_after(list, n + (blank != NULL));
	}
	return r;
}

/* With its domain, and without. */
static int add_host(struct origins *o, struct span name)
{
	const uint8_t *dot = name.len ? memchr(name.data, '.', name.len) : NULL;
	int r = add_name(o, ORIGIN_HOST, name);

	if (r || !dot)
		return r;
	return add_name(o, ORIGIN_HOST, (struct span){name.data, (size_t)(dot - name.data)});
}

int origins_add(struct origins *o, enum origin_kind kind, struct span value)
{
	switch (kind) {
	case ORIGIN_FOLDER:
	case ORIGIN_HOME:
	case ORIGIN_TEMPORARY:
		return add_path(o, kind, value);
	case ORIGIN_USER:
		return add_name(o, kind, value);
	case ORIGIN_HOST:
		return add_host(o, value);
	case ORIGIN_PID:
		return add_pids(o, value);
	case ORIGIN_RANDOM:
		return spelled_add(&o->spelled, value);
	case ORIGIN_CLOCK:
		window_add(&o->window, value);
		return 0;
	default:
		return 0;
	}
}

#define POOL_PIECE 16

/* Programs that draw many values at once (node's UUIDs) cut them off one after the other. */
int origins_add_draw(struct origins *o, struct span bytes)
{
	int r = 0;

	if (bytes.len <= DRAW_BYTES_MAX)
		return draws_add(&o->draws, bytes);
	for (; bytes.len >= POOL_PIECE && !r; bytes = origins_after(bytes, POOL_PIECE))
		r = draws_add(&o->draws, (struct span){bytes.data, POOL_PIECE});
	return r;
}

int origins_add_arguments(struct origins *o, struct span arguments)
{
	if (o->arguments.len || !arguments.len)
		return 0;
	if (arguments.len > ARGUMENTS_MAX)
		arguments.len = ARGUMENTS_MAX;
	return buffer_append(&o->arguments, arguments.data, arguments.len);
}

/* ---- questions ---- */

bool origins_is_argument(const struct origins *o, struct span value)
{
	return o && o->arguments.len && value.len &&
		memmem(o->arguments.data, o->arguments.len, value.data, value.len);
}

static const char *mark_of(enum origin_kind kind)
{
	static const char *const marks[ORIGIN_KIND_MAX] = {
#define O(name, text, mark) [ORIGIN_##name] = mark,
		ORIGIN_KINDS(O)
#undef O
	};

	return marks[kind];
}

int origins_add_usual(struct origins *o)
{
	return origins_add(o, ORIGIN_TEMPORARY, SPAN_LITERAL("/tmp"));
}

size_t origins_path(const struct origins *o, struct span text, size_t at, const char **ret_mark)
{
	enum origin_kind kind;
	size_t len = o ? paths_find(&o->paths, text, at, &kind) : 0;

	if (len)
		*ret_mark = mark_of(kind);
	return len;
}

size_t origins_drawn(const struct origins *o, struct span text, size_t at, const char **ret_mark)
{
	struct span s = origins_after(text, at);
	size_t len;

	if (!o || (!o->draws.total && !o->spelled.count))
		return 0;
	len = spelled_find(&o->spelled, s);
	if (!len)
		len = draws_find(&o->draws, s);
	if (len)
		*ret_mark = mark_of(ORIGIN_RANDOM);
	return len;
}

uint32_t origins_kinds(const struct origins *o, struct span word)
{
	const char *mark;
	uint32_t kinds;

	if (!o || !word.len)
		return 0;
	kinds = words_find(&o->names, word) | paths_kinds(&o->paths, word);
	if (origins_drawn(o, word, 0, &mark) == word.len)
		kinds |= 1u << ORIGIN_RANDOM;
	if (window_has(&o->window, word))
		kinds |= 1u << ORIGIN_CLOCK;
	return kinds;
}

bool origins_clock(const struct origins *o, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
	if (!o->window.to_ns || o->window.to_ns > INT64_MAX)
		return false;
	*ret_from_ns = (int64_t)o->window.from_ns;
	*ret_to_ns = (int64_t)o->window.to_ns;
	return true;
}

const char *origin_name(enum origin_kind kind)
{
	static const char *const names[ORIGIN_KIND_MAX] = {
#define O(name, text, mark) [ORIGIN_##name] = text,
		ORIGIN_KINDS(O)
#undef O
	};

	return (unsigned)kind < ORIGIN_KIND_MAX ? names[kind] : "unknown";
}

bool origin_by_name(struct span name, enum origin_kind *ret)
{
	for (unsigned kind = 0; kind < ORIGIN_KIND_MAX; kind++) {
		if (!span_equal(name, span_of(origin_name(kind))))
			continue;
		*ret = kind;
		return true;
	}
	return false;
}

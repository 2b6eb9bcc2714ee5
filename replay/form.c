/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/form.h"

#include <string.h>

bool form_line(struct span *lines, struct span *ret)
{
	const uint8_t *lf = lines->len ? memchr(lines->data, '\n', lines->len) : NULL;
	size_t len;

	if (!lf)
		return false;
	len = (size_t)(lf - lines->data);
	*ret = (struct span){lines->data, len};
	*lines = (struct span){lf + 1, lines->len - len - 1};
	return true;
}

struct span form_method(struct span line)
{
	const uint8_t *space = line.len ? memchr(line.data, ' ', line.len) : NULL;

	return (struct span){line.data, space ? (size_t)(space - line.data) : line.len};
}

struct span form_authority(struct span line)
{
	const uint8_t *start = line.len ? memmem(line.data, line.len, "://", 3) : NULL;
	struct span rest = {line.data, 0};
	const uint8_t *slash;

	if (!start)
		return rest;
	rest = (struct span){start + 3, (size_t)(line.data + line.len - start) - 3};
	slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
	if (slash)
		rest.len = (size_t)(slash - rest.data);
	return rest;
}

struct span form_path(struct span line)
{
	struct span authority = form_authority(line);
	const uint8_t *path = authority.data + authority.len;

	return (struct span){path, (size_t)(line.data + line.len - path)};
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

/* Takes the lines with that prefix off the front. */
static struct span take_lines(struct span *rest, const char *prefix)
{
	struct span taken = {rest->data, 0}, line;

	while (begins(*rest, prefix) && form_line(rest, &line))
		taken.len += line.len + 1;
	return taken;
}

void form_split(struct span text, struct form *ret)
{
	struct span rest = text, empty;

	*ret = (struct form){0};
	form_line(&rest, &ret->line);
	ret->queries = take_lines(&rest, "query ");
	ret->url = (struct span){text.data, text.len - rest.len};
	ret->headers = take_lines(&rest, "header ");
	form_line(&rest, &empty);
	ret->body = rest;
}

void form_parse(struct span text, struct form *ret)
{
	form_split(text, ret);
	if (begins(ret->body, "{") || begins(ret->body, "["))
		ret->json = json_loadb(
			(const char *)ret->body.data, ret->body.len, JSON_ALLOW_NUL, NULL);
}

void form_free(struct form *form)
{
	json_decref(form->json);
	form->json = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "replay/shapes.h"

/* Words by how they begin: a text does not say where one that has punctuation in it ends. */

#define HEADS 4096

static uint32_t *head_of(const struct spelled *s, struct span text)
{
	return &s->heads[XXH3_64bits(text.data, SPELLED_MIN) % HEADS];
}

static bool has(const struct spelled *s, struct span text)
{
	for (uint32_t i = *head_of(s, text); i; i = s->words[i - 1].next) {
		const struct spelled_word *w = &s->words[i - 1];

		if (w->len == text.len && memcmp(w->text, text.data, text.len) == 0)
			return true;
	}
	return false;
}

int spelled_add(struct spelled *s, struct span text)
{
	struct spelled_word *grown, *w;

	if (text.len < SPELLED_MIN || text.len > SPELLED_MAX || s->count >= WORDS_MAX)
		return 0;
	if (!s->heads && !(s->heads = calloc(HEADS, sizeof(*s->heads))))
		return -ENOMEM;
	if (has(s, text))
		return 0;
	if ((s->count & (s->count - 1)) == 0) {
		grown = reallocarray(s->words, s->count ? s->count * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->words = grown;
	}
	w = &s->words[s->count];
	w->text = malloc(text.len);
	if (!w->text)
		return -ENOMEM;
	memcpy(w->text, text.data, text.len);
	w->len = (uint32_t)text.len;
	w->next = *head_of(s, text);
	*head_of(s, text) = (uint32_t)++s->count;
	return 0;
}

static bool ends(struct span text, size_t len)
{
	return len == text.len || !shapes_is_word(text.data[len - 1]) ||
		!shapes_is_word(text.data[len]);
}

size_t spelled_find(const struct spelled *s, struct span text)
{
	size_t longest = 0;

	if (!s->count || text.len < SPELLED_MIN)
		return 0;
	for (uint32_t i = *head_of(s, text); i; i = s->words[i - 1].next) {
		const struct spelled_word *w = &s->words[i - 1];

		if (w->len > longest && w->len <= text.len &&
			memcmp(w->text, text.data, w->len) == 0 && ends(text, w->len))
			longest = w->len;
	}
	return longest;
}

void spelled_free(struct spelled *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->words[i].text);
	free(s->words);
	free(s->heads);
}

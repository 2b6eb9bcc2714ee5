/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/canon_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

struct parser {
	struct canon_tree *t;
	const uint8_t *data;
	uint32_t at, len;
	uint32_t open[CANON_DEPTH_MAX]; /* containers whose end has not come */
	size_t depth, depth_max;
	bool fresh; /* the innermost has no value yet */
};

static int push(struct parser *p, enum canon_kind kind, uint32_t at, uint32_t len,
	enum canon_spelling spelling)
{
	struct canon_tree *t = p->t;

	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : ROOM_MIN;
		struct canon_node *nodes = realloc(t->nodes, room * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		t->nodes = nodes;
		t->room = room;
	}
	t->nodes[t->count] = (struct canon_node){at, len, (uint32_t)t->count + 1, kind, spelling};
	t->count++;
	return 0;
}

/* The next byte that is no blank, or -1. */
static int peek(struct parser *p)
{
	while (p->at < p->len) {
		uint8_t c = p->data[p->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c;
		p->at++;
	}
	return -1;
}

static bool is_digit_at(const struct parser *p, uint32_t at)
{
	return at < p->len && p->data[at] >= '0' && p->data[at] <= '9';
}

static bool is_hex4(const struct parser *p, uint32_t at)
{
	for (uint32_t i = at; i < at + 4; i++) {
		if (i >= p->len ||
			!(is_digit_at(p, i) ||
				((p->data[i] | 0x20) >= 'a' && (p->data[i] | 0x20) <= 'f')))
			return false;
	}
	return true;
}

/* At a backslash; false: no escape of JSON's. */
static bool escape(struct parser *p, enum canon_spelling *spelling)
{
	int c = p->at + 1 < p->len ? p->data[p->at + 1] : 0;

	if (c && strchr("\"\\bfnrt", c)) {
		*spelling = *spelling > CANON_CANONICAL ? *spelling : CANON_CANONICAL;
		p->at += 2;
		return true;
	}
	*spelling = CANON_FREE;
	p->at += c == 'u' ? 6 : 2;
	return c == '/' || (c == 'u' && is_hex4(p, p->at - 4));
}

static int string(struct parser *p)
{
	enum canon_spelling spelling = CANON_PLAIN;
	uint32_t start = ++p->at;

	for (;;) {
		while (p->at < p->len && p->data[p->at] != '"' && p->data[p->at] != '\\' &&
			p->data[p->at] >= ' ')
			p->at++;
		if (p->at >= p->len || p->data[p->at] < ' ')
			return -EBADMSG;
		if (p->data[p->at] == '"')
			break;
		if (!escape(p, &spelling))
			return -EBADMSG;
	}
	p->at++;
	return push(p, CANON_STRING, start, p->at - 1 - start, spelling);
}

static uint32_t digits(struct parser *p)
{
	uint32_t start = p->at;

	while (is_digit_at(p, p->at))
		p->at++;
	return p->at - start;
}

/* A fraction as it stands: canon_number() would neither drop a zero nor write an exponent. */
static bool is_plain_fraction(const struct parser *p, uint32_t integer, uint32_t fraction)
{
	const uint8_t *first = p->data + p->at - fraction;

	if (integer > 21 || first[fraction - 1] == '0')
		return false;
	return first[-2] != '0' || integer > 1 ||
		memcmp(first, "0000", fraction < 4 ? fraction : 4);
}

static int number(struct parser *p)
{
	uint32_t start = p->at, integer, fraction = 0;
	bool exponent = false, zero;

	p->at += p->data[p->at] == '-';
	zero = is_digit_at(p, p->at) && p->data[p->at] == '0';
	integer = digits(p);
	if (!integer || (zero && integer > 1))
		return -EBADMSG;
	if (p->at < p->len && p->data[p->at] == '.') {
		p->at++;
		if (!(fraction = digits(p)))
			return -EBADMSG;
	}
	if (p->at < p->len && (p->data[p->at] | 0x20) == 'e') {
		exponent = true;
		p->at++;
		p->at += p->at < p->len && (p->data[p->at] == '+' || p->data[p->at] == '-');
		if (!digits(p))
			return -EBADMSG;
	}
	if (exponent || (fraction && !is_plain_fraction(p, integer, fraction)) ||
		(!fraction && zero && p->data[start] == '-'))
		return push(p, CANON_NUMBER, start, p->at - start, CANON_FREE);
	return push(p, CANON_NUMBER, start, p->at - start, CANON_PLAIN);
}

static int literal(struct parser *p, const char *text)
{
	uint32_t len = (uint32_t)strlen(text), start = p->at;

	if (p->len - p->at < len || memcmp(p->data + p->at, text, len) != 0)
		return -EBADMSG;
	p->at += len;
	return push(p, CANON_LITERAL, start, len, CANON_PLAIN);
}

static int open_container(struct parser *p, enum canon_kind kind)
{
	if (p->depth >= p->depth_max)
		return -EBADMSG;
	p->open[p->depth++] = (uint32_t)p->t->count;
	p->fresh = true;
	return push(p, kind, p->at++, 1, CANON_PLAIN);
}

static int value(struct parser *p)
{
	int c = peek(p);

	p->fresh = false;
	switch (c) {
	case '{':
		return open_container(p, CANON_OBJECT);
	case '[':
		return open_container(p, CANON_ARRAY);
	case '"':
		return string(p);
	case 't':
		return literal(p, "true");
	case 'f':
		return literal(p, "false");
	case 'n':
		return literal(p, "null");
	default:
		return c == '-' || (c >= '0' && c <= '9') ? number(p) : -EBADMSG;
	}
}

/* One more value of the innermost container, or its end. */
static int step(struct parser *p)
{
	struct canon_node *in = &p->t->nodes[p->open[p->depth - 1]];
	bool object = in->kind == CANON_OBJECT;
	int c = peek(p), r;

	if (c == (object ? '}' : ']')) {
		in->end = (uint32_t)p->t->count;
		in->len = ++p->at - in->at;
		p->depth--;
		p->fresh = false;
		return 0;
	}
	if (!p->fresh && c != ',')
		return -EBADMSG;
	p->at += !p->fresh;
	if (object) {
		r = peek(p) == '"' ? string(p) : -EBADMSG;
		if (r || peek(p) != ':')
			return r ? r : -EBADMSG;
		p->at++;
	}
	return value(p);
}

int canon_tree_parse(struct canon_tree *t, struct span text, size_t depth)
{
	struct parser p;
	int r;

	*t = (struct canon_tree){.text = text};
	if (text.len >= UINT32_MAX - 16 || !canon_is_utf8(text))
		return -EBADMSG;
	p.t = t;
	p.data = text.data;
	p.at = 0;
	p.len = (uint32_t)text.len;
	p.depth = 0;
	p.depth_max = depth < CANON_DEPTH_MAX ? depth : CANON_DEPTH_MAX;
	r = value(&p);
	while (!r && p.depth)
		r = step(&p);
	return r || peek(&p) < 0 ? r : -EBADMSG;
}

void canon_tree_free(struct canon_tree *t)
{
	free(t->nodes);
	*t = (struct canon_tree){0};
}

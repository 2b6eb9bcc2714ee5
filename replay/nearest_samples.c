/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/nearest_private.h"

#include <string.h>
#include <xxhash.h>
#include "replay/form.h"

/*
 * One pass over a form, without parsing it into values: a canonical body is compact JSON with its
 * names sorted, and what is not JSON is text. Positions in arrays are no part of an item, so what
 * was inserted or moved changes no more than itself.
 */

#define DEPTH_MAX         64 /* what is deeper has the name of what is there */
#define CONVERSATION_MAX  4  /* arrays nested deeper are no conversations */
#define WORD_BYTES_MAX    64 /* a longer run, base64 for one, is several words */
#define WORDS_PER_SHINGLE 3

struct scan {
	struct samples *out;
	const uint8_t *at, *end;
	uint64_t names[DEPTH_MAX];      /* hash of the path to what is being read, by depth */
	uint64_t name;                  /* of the last member name */
	unsigned depth;                 /* open brackets */
	unsigned conversation;          /* the depth inside a conversation's array; 0: in none */
	bool is_model, is_conversation; /* what the last member name said */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b) * 0xd6e8feb86659fd93u;
	a ^= a >> 32;
	a *= 0xd6e8feb86659fd93u;
	return a ^ (a >> 29);
}

static uint64_t hash(struct span s)
{
	return XXH3_64bits(s.data, s.len);
}

static size_t place_of(const struct sample_set *s, uint32_t h)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (s->hashes[middle] < h)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void sample_set_add(struct sample_set *s, uint32_t h)
{
	size_t at;

	if (s->count == s->max && h >= s->hashes[s->count - 1])
		return;
	at = place_of(s, h);
	if (at < s->count && s->hashes[at] == h)
		return;
	s->count += s->count < s->max;
	memmove(&s->hashes[at + 1], &s->hashes[at], (s->count - 1 - at) * sizeof(*s->hashes));
	s->hashes[at] = h;
}

double sample_share(
	const uint32_t *a, unsigned a_count, const uint32_t *b, unsigned b_count, unsigned max)
{
	unsigned i = 0, j = 0, both = 0, either = 0;

	while (either < max && (i < a_count || j < b_count)) {
		bool from_a = j == b_count || (i < a_count && a[i] <= b[j]);
		bool from_b = i == a_count || (j < b_count && b[j] <= a[i]);

		both += from_a && from_b;
		either++;
		i += from_a;
		j += from_b;
	}
	return either ? (double)both / either : 0;
}

static void add_item(struct scan *s, uint64_t h)
{
	struct samples *out = s->out;

	out->item_count++;
	sample_set_add(&out->whole, (uint32_t)(h >> 32));
	if (s->conversation)
		sample_set_add(&out->turns[out->turn], (uint32_t)(mix(h, 1) >> 32));
}

static void begin_turn(struct scan *s)
{
	struct samples *out = s->out;

	out->turn_count++;
	out->turn ^= 1;
	out->turns[out->turn].count = 0;
}

/* ---- text ---- */

static bool is_word_byte(uint8_t c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') || c == '_';
}

static bool next_word(struct span *text, struct span *ret)
{
	size_t i = 0, start;

	while (i < text->len && !is_word_byte(text->data[i]))
		i += text->data[i] == '\\' ? 2 : 1; /* "\n" is no letter */
	if (i >= text->len)
		return false;
	start = i;
	while (i < text->len && i - start < WORD_BYTES_MAX && is_word_byte(text->data[i]))
		i++;
	*ret = (struct span){text->data + start, i - start};
	*text = (struct span){text->data + i, text->len - i};
	return true;
}

/* Each three words in a row; fewer: all of it, so that punctuation alone tells, too. */
static void add_text(struct scan *s, uint64_t name, struct span text)
{
	struct span rest = text, word;
	uint64_t before = 0, last = 0, h;
	unsigned count = 0;

	while (next_word(&rest, &word)) {
		h = hash(word);
		if (++count >= WORDS_PER_SHINGLE)
			add_item(s, mix(mix(mix(name, before), last), h));
		before = last;
		last = h;
	}
	if (count < WORDS_PER_SHINGLE)
		add_item(s, mix(name, hash(text)));
}

/* ---- JSON ---- */

static bool is_one_of(struct span name, const char *const *names)
{
	for (; *names; names++) {
		if (span_equal(name, span_of(*names)))
			return true;
	}
	return false;
}

static void take_name(struct scan *s, struct span name)
{
	/* OpenAI, Anthropic, Ollama; OpenAI Responses; Gemini. */
	static const char *const conversations[] = {"messages", "input", "contents", NULL};
	static const char *const models[] = {"model", "modelId", NULL};

	s->name = hash(name);
	s->is_model = s->depth == 1 && is_one_of(name, models);
	s->is_conversation =
		!s->conversation && s->depth < CONVERSATION_MAX && is_one_of(name, conversations);
}

static uint64_t path(const struct scan *s)
{
	unsigned depth = s->depth < DEPTH_MAX ? s->depth : DEPTH_MAX - 1;

	return mix(s->names[depth], s->name);
}

static void open_bracket(struct scan *s, bool array)
{
	uint64_t inner = path(s);

	s->depth++;
	if (s->depth < DEPTH_MAX)
		s->names[s->depth] = inner;
	s->name = 0;
	if (!array || !s->is_conversation)
		return;
	s->conversation = s->depth;
	s->is_conversation = false;
	if (s->at < s->end && *s->at != ']')
		begin_turn(s);
}

static void close_bracket(struct scan *s)
{
	if (s->conversation == s->depth)
		s->conversation = 0;
	s->depth -= s->depth > 0;
	s->name = 0;
}

/* The text of a string, its first quote taken already; s->at: after its last. */
static struct span take_string(struct scan *s)
{
	const uint8_t *start = s->at, *quote = start;

	while ((quote = memchr(quote, '"', (size_t)(s->end - quote)))) {
		const uint8_t *back = quote;

		while (back > start && back[-1] == '\\')
			back--;
		if ((quote - back) % 2 == 0)
			break;
		quote++;
	}
	s->at = quote ? quote + 1 : s->end;
	return (struct span){start, (size_t)((quote ? quote : s->end) - start)};
}

static void add_string(struct scan *s)
{
	struct span text = take_string(s);

	if (s->at < s->end && *s->at == ':') {
		take_name(s, text);
		return;
	}
	if (s->is_model)
		s->out->model = mix(s->out->model, hash(text));
	s->is_model = false;
	add_text(s, path(s), text);
}

static void add_word(struct scan *s)
{
	const uint8_t *start = s->at - 1;

	while (s->at < s->end && !strchr(",:{}[]\"", *s->at))
		s->at++;
	add_item(s, mix(path(s), hash((struct span){start, (size_t)(s->at - start)})));
}

static void add_json(struct scan *s, struct span body)
{
	s->at = body.data;
	s->end = body.data + body.len;
	while (s->at < s->end) {
		uint8_t c = *s->at++;

		if (c == '{' || c == '[')
			open_bracket(s, c == '[');
		else if (c == '}' || c == ']')
			close_bracket(s);
		else if (c == '"')
			add_string(s);
		else if (c == ',' && s->conversation && s->depth == s->conversation)
			begin_turn(s);
		else if (c != ',' && c != ':')
			add_word(s);
	}
}

/* ---- the form ---- */

static void add_lines(struct scan *s, struct span lines)
{
	struct span line;

	while (form_line(&lines, &line))
		add_item(s, hash(line));
}

static void begin(struct samples *out, const struct form *parts)
{
	struct span line = parts->line.len ? parts->line : SPAN_LITERAL("");

	memset(out, 0, sizeof(*out));
	out->whole.max = SAMPLES_WHOLE_MAX;
	out->turns[0].max = out->turns[1].max = SAMPLES_TURN_MAX;
	out->host = hash(form_authority(line));
	/* The method and all of the URL but its query: the scheme is no other endpoint. */
	out->endpoint = mix(mix(out->host, hash(form_method(line))), hash(form_path(line)));
	out->model = out->endpoint;
}

void samples_take(struct span form, struct samples *ret)
{
	struct scan s = {.out = ret};
	struct form parts;

	form_split(form, &parts);
	begin(ret, &parts);
	add_item(&s, hash(parts.line));
	add_lines(&s, parts.queries);
	add_lines(&s, parts.headers);
	if (parts.body.len && (parts.body.data[0] == '{' || parts.body.data[0] == '['))
		add_json(&s, parts.body);
	else if (parts.body.len)
		add_text(&s, 0, parts.body);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

#include <string.h>
#include <xxhash.h>
#include "replay/shapes.h"

/*
 * Two requests word by word: where they differ, both words must be what is known of their side, of
 * one kind: the pid of the recorded tool and the pid of this one, the recorded user and this one.
 * Everything else must be the same to the byte.
 */

/* More differences than anyone would call the same request. */
#define DIFFERENCES_MAX 512
#define CANDIDATES_MAX  128
/* Bodies that one request is compared with. */
#define COMPARED_BYTES (64u << 20)
/* A pid of one or two digits is as likely a number that counts something. */
#define PID_DIGITS_MIN 3
#define WORD_MAX       256

struct pair {
	uint64_t recorded, live;
};

/* A number or a day in an address is what is asked for. */
#define PLACE_KINDS                                                                                \
	(1u << ORIGIN_FOLDER | 1u << ORIGIN_HOME | 1u << ORIGIN_TEMPORARY | 1u << ORIGIN_USER |    \
		1u << ORIGIN_HOST)

struct comparison {
	const struct match_options *options;
	const struct match_bindings *bindings;
	struct span recorded, live;
	size_t address; /* so many bytes of `recorded` say what is asked for: URL and query */
	struct pair pairs[DIFFERENCES_MAX];
	size_t count;
};

/* How far a word may reach: "1234", then "my-host.local", then "12:30:01+01:00". */
static const char *const joiners[] = {"", "-_.", "-_.:+"};
#define REACHES (sizeof(joiners) / sizeof(*joiners))

static bool is_inside(uint8_t c, size_t reach)
{
	return shapes_is_word(c) || (c && strchr(joiners[reach], c));
}

/* The 'n' of "\n" is no letter of the word after it. */
static bool is_escape(struct span text, size_t at)
{
	return at && text.data[at - 1] == '\\';
}

static size_t word_start(struct span text, size_t at, size_t reach)
{
	while (at && is_inside(text.data[at - 1], reach) && !is_escape(text, at - 1))
		at--;
	return at;
}

static struct span word_from(struct span text, size_t start, size_t reach)
{
	size_t end = start;

	while (end < text.len && is_inside(text.data[end], reach))
		end++;
	while (end > start && !shapes_is_word(text.data[end - 1]))
		end--;
	return (struct span){text.data + start, end - start};
}

static uint32_t common_kinds(const struct comparison *c, struct span recorded, struct span live)
{
	const struct match_options *options = c->options;
	uint32_t kinds;

	if (!recorded.len || !live.len || recorded.len > WORD_MAX || live.len > WORD_MAX)
		return 0;
	kinds = origins_kinds(options->recorded.origins, recorded);
	kinds = kinds ? kinds & origins_kinds(options->live.origins, live) : 0;
	if (recorded.len < PID_DIGITS_MIN || live.len < PID_DIGITS_MIN)
		kinds &= ~(1u << ORIGIN_PID);
	if (recorded.data < c->recorded.data + c->address)
		kinds &= PLACE_KINDS;
	return kinds;
}

/* One value stands for one: in this request and in the whole session. Two times may be the same
 * second in one run and not in the other. */
static bool is_consistent(
	struct comparison *c, uint32_t kinds, struct span recorded, struct span live)
{
	struct pair pair = {
		XXH3_64bits(recorded.data, recorded.len), XXH3_64bits(live.data, live.len)};

	if (kinds & 1u << ORIGIN_CLOCK)
		return true;
	if (bindings_test(c->bindings, pair.recorded, pair.live) == BINDING_CONTRADICTS)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		bool same = c->pairs[i].recorded == pair.recorded;

		if (same != (c->pairs[i].live == pair.live))
			return false;
		if (same)
			return true;
	}
	if (c->count == DIFFERENCES_MAX)
		return false;
	c->pairs[c->count++] = pair;
	return true;
}

/* Neither word ends before where they were found to differ. */
static bool goes_on(
	struct span recorded, const uint8_t *recorded_at, struct span live, const uint8_t *live_at)
{
	const uint8_t *recorded_end = recorded.data + recorded.len;
	const uint8_t *live_end = live.data + live.len;

	return recorded_end >= recorded_at && live_end >= live_at &&
		(recorded_end > recorded_at || live_end > live_at);
}

/* Both differ from here on: moves past the words they are in, if those are explained. */
static bool explain_word(struct comparison *c, size_t *i, size_t *j)
{
	for (size_t reach = 0; reach < REACHES; reach++) {
		size_t start = word_start(c->recorded, *i, reach);
		size_t back = *i - start;
		struct span recorded, live;
		uint32_t kinds;

		if (word_start(c->live, *j, reach) + back != *j)
			continue;
		recorded = word_from(c->recorded, start, reach);
		live = word_from(c->live, *j - back, reach);
		kinds = common_kinds(c, recorded, live);
		if (!goes_on(recorded, c->recorded.data + *i, live, c->live.data + *j) || !kinds ||
			!is_consistent(c, kinds, recorded, live))
			continue;
		*i = start + recorded.len;
		*j = *j - back + live.len;
		return true;
	}
	return false;
}

static bool is_explained(struct comparison *c)
{
	size_t i = 0, j = 0;

	while (i < c->recorded.len || j < c->live.len) {
		if (i < c->recorded.len && j < c->live.len &&
			c->recorded.data[i] == c->live.data[j]) {
			i++;
			j++;
		} else if (!explain_word(c, &i, &j)) {
			return false;
		}
	}
	return true;
}

static bool origins_known(const struct match_options *options)
{
	return options->recorded.origins && options->live.origins;
}

bool match_text_explained(
	const struct match_options *options, struct span recorded, struct span live)
{
	const struct match_bindings nothing = {0};
	struct comparison c = {
		.options = options, .bindings = &nothing, .recorded = recorded, .live = live};

	return origins_known(options) && is_explained(&c);
}

/*
 * A call of the request's own normalised form was not served before because it is somebody else's;
 * the ids of another form may say the same.
 */
static bool may_be_own(
	const struct matcher *m, const struct match_call *call, const struct match_request *q)
{
	if (match_key_equal(&call->keys[KEY_NORMALISED], &q->keys[KEY_NORMALISED]) ||
		!bindings_align(&call->marks, &q->marks))
		return false;
	for (size_t i = 0; i < call->marks.count; i++) {
		if (bindings_test(&m->bindings, call->marks.values[i], q->marks.values[i]) ==
			BINDING_CONTRADICTS)
			return false;
	}
	return true;
}

static bool explains(
	struct matcher *m, const struct match_call *call, const struct match_request *q)
{
	struct buffer form = BUFFER(CANON_NORMAL_MAX);
	struct comparison c = {.options = &m->options,
		.bindings = &m->bindings,
		.live = {q->normalised.data, q->normalised.len}};
	bool explained = false;

	if (match_normalised_form(m, call, &form) == 0) {
		struct form parts;

		c.recorded = (struct span){form.data, form.len};
		form_split(c.recorded, &parts);
		c.address = parts.url.len;
		explained = is_explained(&c);
	}
	for (size_t i = 0; i < c.count && explained; i++)
		bindings_bind(&m->bindings, c.pairs[i].recorded, c.pairs[i].live);
	buffer_free(&form);
	return explained;
}

struct match_call *match_explained(struct matcher *m, const struct match_request *q)
{
	struct span asked = {q->normalised.data, q->normalised.len};
	struct nearest_found found[CANDIDATES_MAX];
	size_t count;
	uint64_t compared = 0;

	if (!origins_known(&m->options))
		return NULL;
	count = nearest_find(m->nearest, asked, NEAREST_MODEL, found, CANDIDATES_MAX);
	for (size_t i = 0; i < count && compared < COMPARED_BYTES; i++) {
		struct match_call *call = &m->calls[found[i].call];

		if (call->served || !may_be_own(m, call, q))
			continue;
		compared += call->exchange->request.body_bytes;
		if (explains(m, call, q))
			return call;
	}
	return NULL;
}

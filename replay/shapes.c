/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/shapes.h"

#include <string.h>

#define UUID_LENGTH      36
#define UUID_FIRST       8
#define HEX_MIN          16
#define ID_MIN           16 /* of what follows the prefix */
#define ID_PREFIX_MAX    16
#define ID_DIGITS_MIN    3
#define TEMPORARY_MIN    6
#define COUNT_DIGITS_MAX 3
#define MKTEMP_LETTERS   10
#define TEMPORARY_MAX    255
#define DECIMAL_MAX      24
#define LENGTH_OF(array) (sizeof(array) / sizeof(*(array)))

/* What a run of letters and digits is made of. */
struct word {
	size_t len, digits, lower, upper;
	bool hex; /* nothing but hexadecimal digits */
};

#define D SHAPE_DIGIT
#define L SHAPE_LOWER
#define M (SHAPE_LOWER | SHAPE_NO_HEX)
#define U SHAPE_UPPER
#define V (SHAPE_UPPER | SHAPE_NO_HEX)
/* clang-format off */
const uint8_t shape_classes[256] = {
	['0'] = D, D, D, D, D, D, D, D, D, D,
	['A'] = U, U, U, U, U, U, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	['a'] = L, L, L, L, L, L, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};
/* clang-format on */
#undef D
#undef L
#undef M
#undef U
#undef V

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static struct span after(struct span s, size_t n)
{
	return (struct span){s.data + n, s.len - n};
}

static struct word word_of(struct span s)
{
	struct word w = {.hex = true};

	for (; w.len < s.len && shapes_is_word(s.data[w.len]); w.len++) {
		uint8_t c = s.data[w.len];

		w.digits += is_digit(c);
		w.lower += c >= 'a' && c <= 'z';
		w.upper += c >= 'A' && c <= 'Z';
		w.hex &= is_hex(c);
	}
	return w;
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && s.data[0] == (uint8_t)text[0] && memcmp(s.data, text, len) == 0;
}

static size_t uuid(struct span s)
{
	if (s.len < UUID_LENGTH || (s.len > UUID_LENGTH && shapes_is_word(s.data[UUID_LENGTH])))
		return 0;
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.data[i] != '-' : !is_hex(s.data[i]))
			return 0;
	}
	return UUID_LENGTH;
}

/* Decimal digits alone are a number, letters alone a word. */
static size_t hex(const struct word *w)
{
	return w->hex && w->len >= HEX_MIN && w->digits && w->digits < w->len ? w->len : 0;
}

/* Those whose rest may come without digits; the separator is theirs. */
static const char *const id_prefixes[] = {"toolu_", "srvtoolu_", "msg_", "call_", "resp_", "req_",
	"ses_", "prt_", "fc_", "rs_", "ctc_", "chatcmpl-", "run_", "thread_", "item_", "file-",
	"gen-"};

static size_t known_id(struct span s)
{
	for (size_t i = 0; i < LENGTH_OF(id_prefixes); i++) {
		size_t prefix = strlen(id_prefixes[i]);
		struct word w;

		if (!begins(s, id_prefixes[i]))
			continue;
		w = word_of(after(s, prefix));
		if (w.len >= ID_MIN && (w.digits || (w.lower && w.upper)))
			return prefix + w.len;
	}
	return 0;
}

/* "ses_e016c3c29ffe…": `first` is the prefix. Names people give have few digits. */
static size_t prefixed_id(struct span s, const struct word *first)
{
	struct word w;

	if (!first->lower || first->lower != first->len || first->len > ID_PREFIX_MAX ||
		first->len == s.len || s.data[first->len] != '_')
		return 0;
	w = word_of(after(s, first->len + 1));
	return w.len >= ID_MIN && w.digits >= ID_DIGITS_MIN && w.digits < w.len
		? first->len + 1 + w.len
		: 0;
}

/* Seconds since 1970, or 0: it is no time of our years. */
static double unix_seconds(double number)
{
	static const double units[] = {1, 1e3, 1e6, 1e9};

	for (size_t i = 0; i < LENGTH_OF(units); i++) {
		double seconds = number / units[i];

		if (seconds >= 1577836800 && seconds < 2208988800)
			return seconds;
	}
	return 0;
}

static bool is_inside(double seconds, const struct shape_window *window)
{
	return !window ||
		(seconds >= (double)window->from - SHAPES_SLACK_S &&
			seconds <= (double)window->to + SHAPES_SLACK_S);
}

bool shapes_is_time(double number, const struct shape_window *window)
{
	double seconds = unix_seconds(number);

	return seconds > 0 && is_inside(seconds, window);
}

/* 1795272799, 1795272799.123, 1795272799123. */
static size_t unix_time(
	struct span s, const struct word *w, const struct shape_window *window, bool *ret_inside)
{
	double value = 0;
	size_t len = w->len;

	if (w->digits != w->len || w->len < 10 || w->len > 19)
		return 0;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (s.data[i] - '0');
	if (unix_seconds(value) <= 0)
		return 0;
	*ret_inside = shapes_is_time(value, window);
	if (len + 1 < s.len && s.data[len] == '.' && is_digit(s.data[len + 1])) {
		struct word fraction = word_of(after(s, len + 1));

		len += fraction.digits == fraction.len ? 1 + fraction.len : 0;
	}
	return len;
}

/* ---- after a fixed phrase ---- */

enum phrase_value { VALUE_HEX, VALUE_DECIMAL };

static const struct {
	const char *phrase;
	enum phrase_value value;
	const char *mark;
} phrases[] = {
	/* claude: over the request, in the system prompt */
	{"cch=", VALUE_HEX, "cch={{checksum}}"},
	/* codex: around a tool's output */
	{"Chunk ID: ", VALUE_HEX, "Chunk ID: {{id}}"},
	{"Wall time: ", VALUE_DECIMAL, "Wall time: {{duration}}"},
	{"Wall time ", VALUE_DECIMAL, "Wall time {{duration}}"},
	/* gemini: likewise */
	{"Process Group PGID: ", VALUE_DECIMAL, "Process Group PGID: {{pid}}"},
	{"Background PIDs: ", VALUE_DECIMAL, "Background PIDs: {{pid}}"},
};

static size_t decimal(struct span s)
{
	size_t len = 0, points = 0;

	while (len < s.len && len < DECIMAL_MAX &&
		(is_digit(s.data[len]) ||
			(s.data[len] == '.' && len && !points && len + 1 < s.len &&
				is_digit(s.data[len + 1]))))
		points += s.data[len++] == '.';
	return len;
}

static size_t phrase(struct span s, const char **ret_mark)
{
	for (size_t i = 0; i < LENGTH_OF(phrases); i++) {
		size_t len = strlen(phrases[i].phrase), value;
		struct word w;

		if (!begins(s, phrases[i].phrase))
			continue;
		w = word_of(after(s, len));
		value = phrases[i].value == VALUE_DECIMAL ? decimal(after(s, len))
			: w.hex                           ? w.len
							  : 0;
		*ret_mark = phrases[i].mark;
		return value ? len + value : 0;
	}
	return 0;
}

/* ---- temporary names ---- */

static const char *const temporary_folders[] = {
	"/tmp/", "/var/tmp/", "/private/tmp/", "/private/var/tmp/", "/dev/shm/"};

/* "alpha12": a name that people count with. */
static bool is_numbered(struct span s, const struct word *w)
{
	size_t digits = 0;

	while (digits < w->len && is_digit(s.data[w->len - 1 - digits]))
		digits++;
	return !w->upper && w->lower && digits == w->digits && digits <= COUNT_DIGITS_MAX;
}

static bool is_random(struct span s, const struct word *w)
{
	bool mixed = w->lower && (w->upper > 1 || (w->upper && w->digits));

	return w->len >= TEMPORARY_MIN && ((w->digits && !is_numbered(s, w)) || mixed);
}

/* As mktemp(1) names them unless told otherwise; the letters may happen to look like a word. */
static bool is_of_mktemp(struct span s)
{
	static const char prefix[] = "tmp.";

	return begins(s, prefix) && word_of(after(s, strlen(prefix))).len == MKTEMP_LETTERS;
}

/* The length of the name that `s` begins with, if a part of it is random. */
static size_t random_name(struct span s)
{
	size_t len = 0;
	bool random = is_of_mktemp(s);

	while (len < s.len && len < TEMPORARY_MAX) {
		struct word w = word_of(after(s, len));

		random |= is_random(after(s, len), &w);
		len += w.len;
		if (!w.len && s.data[len] != '-' && s.data[len] != '_' && s.data[len] != '.')
			break;
		len += !w.len;
	}
	return random ? len : 0;
}

/* "/tmp/build-x7Gh2k": the folder and the name in it. */
static size_t temporary(struct span s)
{
	size_t len = 0, name;

	for (size_t i = 0; i < LENGTH_OF(temporary_folders) && !len; i++)
		len = begins(s, temporary_folders[i]) ? strlen(temporary_folders[i]) : 0;
	name = len ? random_name(after(s, len)) : 0;
	return name ? len + name : 0;
}

size_t shapes_temporary_name(struct span text, size_t at)
{
	size_t len = at < text.len && text.data[at] == '/' ? random_name(after(text, at + 1)) : 0;

	return len ? len + 1 : 0;
}

bool shapes_is_temporary_name(struct span path)
{
	const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	size_t name = slash ? (size_t)(slash - path.data) + 1 : 0;

	return random_name(after(path, name)) == path.len - name;
}

/* ---- all of them ---- */

/* A date in a name ("gpt-4o-2024-08-06") is a version. */
static bool is_in_name(struct span text, size_t at)
{
	return at && (text.data[at - 1] == '-' || text.data[at - 1] == '.');
}

/* Times begin with a digit or the name of a day or month. */
static size_t any_time(struct span text, size_t at, const struct word *w,
	enum shape_context context, const struct shape_window *window, const char **ret_mark)
{
	struct span s = after(text, at);
	bool inside = true;
	size_t len;

	if (s.data[0] >= 'a')
		return 0;
	*ret_mark = SHAPE_TIME;
	len = unix_time(s, w, window, &inside);
	len = len ? len : shape_timestamp_in(s, window, &inside);
	if (!len && context != SHAPES_HEADER && !is_in_name(text, at)) {
		len = shape_clock_in(s, window, &inside);
		if (!len)
			*ret_mark = "{{date}}";
		len = len ? len : shape_date_in(s, window, &inside);
	}
	if (len && !inside && !shape_is_listed(text, at))
		*ret_mark = NULL;
	return len;
}

/* Ids begin with a word and what joins it to the rest. */
static size_t any_id(struct span s, const struct word *w, const char **ret_mark)
{
	size_t len;

	*ret_mark = "{{hex}}";
	if ((len = hex(w)))
		return len;
	if (w->len == s.len || (s.data[w->len] != '_' && s.data[w->len] != '-'))
		return 0;
	*ret_mark = "{{uuid}}";
	if (w->len == UUID_FIRST && (len = uuid(s)))
		return len;
	*ret_mark = "{{id}}";
	len = known_id(s);
	return len ? len : prefixed_id(s, w);
}

/* The first letters of months, weekdays and phrases. */
bool shapes_may_begin(uint8_t classes, uint8_t first, uint8_t next)
{
	static const bool names[256] = {['A'] = true,
		['B'] = true,
		['C'] = true,
		['D'] = true,
		['F'] = true,
		['J'] = true,
		['M'] = true,
		['N'] = true,
		['O'] = true,
		['P'] = true,
		['S'] = true,
		['T'] = true,
		['W'] = true,
		['c'] = true};

	return (classes & SHAPE_DIGIT) || names[first] || next == '_' || next == '-';
}

/* Most words are none: each kind is looked for only behind what it begins with. */
size_t shapes_match_in(struct span text, size_t at, enum shape_context context,
	const struct shape_window *window, const char **ret_mark)
{
	struct span s = after(text, at);
	struct word w = word_of(s);
	size_t len;

	if (!w.len) {
		*ret_mark = SHAPE_TEMPORARY;
		return temporary(s);
	}
	if ((len = any_id(s, &w, ret_mark)) ||
		(len = any_time(text, at, &w, context, window, ret_mark)))
		return len;
	return context == SHAPES_TEXT ? phrase(s, ret_mark) : 0;
}

size_t shapes_match(struct span text, size_t at, enum shape_context context, const char **ret_mark)
{
	return shapes_match_in(text, at, context, NULL, ret_mark);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "replay/canon.h"

/*
 * forms [ROUNDS]: what the canonical and the normalised form of a chat of a megabyte cost, the
 * least of ROUNDS, with nothing known of a side and with its rules, paths and clock.
 */

#define CHAT_BYTES (1u << 20)

static const char *const sentences[] = {
	"The build fails since the linker does not find the symbol that the header declares.\\n",
	"Read /home/ann/work/app/src/main.c and say what \\\"limit\\\" is for, then fix it. ",
	"  - `count` is 4711 before the loop, and 12 behind it;\\n",
	"It ran at 2026-11-21T10:11:12Z. ",
	"Ein Satz mit Umlauten: \xc3\xa4, \xc3\xb6, \xc3\xbc.\\n"};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void append_turn(struct buffer *out, size_t i)
{
	buffer_printf(out, "%s{\"role\":\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"",
		i ? "," : "", i % 2 ? "assistant" : "user");
	for (size_t k = 0; k < 20; k++)
		buffer_printf(out, "%s", sentences[(i * 7 + k * 3) % 5]);
	buffer_printf(
		out, "\"},{\"type\":\"tool_use\",\"id\":\"toolu_01A%020zu\",\"input\":{}}]}", i);
}

static void make_chat(struct buffer *out)
{
	buffer_printf(out, "{\"model\":\"claude-x\",\"max_tokens\":32000,\"messages\":[");
	for (size_t i = 0; out->len < CHAT_BYTES; i++)
		append_turn(out, i);
	buffer_printf(out, "],\"stream\":true}");
}

static void least(double *least, double begun)
{
	double took = now() - begun;

	*least = !*least || took < *least ? took : *least;
}

static void show(const char *what, double seconds)
{
	printf("%-28s %8.2f ms  %6.0f MB/s\n", what, seconds * 1e3, CHAT_BYTES / seconds / 1e6);
}

static void measure(const struct canon_input *in, const struct canon_view *known, int rounds)
{
	double canonical = 0, normalised = 0, with_view = 0, begun;

	for (int i = 0; i < rounds; i++) {
		struct buffer form = BUFFER(CANON_FORM_MAX), out = BUFFER(CANON_NORMAL_MAX);

		begun = now();
		canon_request(in, &form);
		least(&canonical, begun);
		begun = now();
		canon_normalise((struct span){form.data, form.len}, NULL, &out);
		least(&normalised, begun);
		buffer_reset(&out);
		begun = now();
		canon_normalise((struct span){form.data, form.len}, known, &out);
		least(&with_view, begun);
		buffer_free(&form);
		buffer_free(&out);
	}
	show("canonical", canonical);
	show("normalised", normalised);
	show("normalised, with a view", with_view);
}

int main(int argc, char **argv)
{
	struct http1_head head;
	struct buffer chat = BUFFER(2 * CHAT_BYTES);
	struct canon_input in = {.scheme = SPAN_LITERAL("https"),
		.authority = SPAN_LITERAL("api.anthropic.com"),
		.head = &head};
	struct canon_view known = {.origins = origins_new(), .handed = handed_new()};
	struct rules *rules = NULL;

	make_chat(&chat);
	http1_parse_head(HTTP1_REQUEST,
		SPAN_LITERAL(
			"POST /v1/messages HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"),
		&head);
	in.body = (struct span){chat.data, chat.len};
	rules_new(&rules);
	known.rules = rules;
	origins_add(
		(struct origins *)known.origins, ORIGIN_FOLDER, SPAN_LITERAL("/home/ann/work/app"));
	origins_add((struct origins *)known.origins, ORIGIN_CLOCK,
		SPAN_LITERAL("1795255200000000000-1795255500000000000"));
	handed_response((struct handed *)known.handed, 1, 1,
		SPAN_LITERAL("{\"id\":\"toolu_01A00000000000000000007\"}"));
	measure(&in, &known, argc > 1 ? atoi(argv[1]) : 10);
	return 0;
}

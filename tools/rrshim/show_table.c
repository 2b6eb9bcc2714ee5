/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/rrshim/output.h"

#define URL_WIDTH_MIN   18
#define URL_WIDTH_PIPED 100 /* padding only: longer ones are printed whole */
#define FIXED_WIDTH     48  /* every column but URL and notes */

static const char *text_or_dash(const char *text)
{
	return text ? text : "-";
}

static size_t notes_width(const json_t *notes)
{
	size_t width = 0, i;
	json_t *text;

	json_array_foreach(notes, i, text) width += json_string_length(text) + 2;
	return width;
}

static size_t url_width(const struct show_rows *rows)
{
	size_t columns = output_columns(), longest = 0, notes = 0, room;

	for (size_t i = 0; i < rows->count; i++) {
		size_t len = strlen(text_or_dash(rows->rows[i].url));
		size_t note = notes_width(rows->rows[i].notes);

		longest = len > longest ? len : longest;
		notes = note > notes ? note : notes;
	}
	if (columns == 0)
		return longest < URL_WIDTH_PIPED ? longest : URL_WIDTH_PIPED;
	room = columns > FIXED_WIDTH + notes ? columns - FIXED_WIDTH - notes : 0;
	if (room < URL_WIDTH_MIN)
		room = URL_WIDTH_MIN;
	return longest < room ? longest : room;
}

/* On a terminal "https://" and then the middle give way: host and end of the path say the most. */
static void print_url(const char *url, size_t width)
{
	bool shorten = output_columns() && strlen(url) > width;
	size_t skip = shorten && strncmp(url, "https://", 8) == 0 ? 8 : 0;
	struct span whole = span_of(url + skip);
	size_t len = whole.len, pad = len < width ? width - len : 0;

	if (len > width && shorten) {
		size_t tail = (width - 1) / 2, head = width - 1 - tail;

		output_safe((struct span){whole.data, head}, 0);
		fputs("…", stdout);
		output_safe((struct span){whole.data + len - tail, tail}, 0);
	} else {
		output_safe(whole, 0);
	}
	printf("%*s", (int)pad, "");
}

static const char *status_style(const struct show_row *row)
{
	if (row->kind == SHOW_CHECKPOINT)
		return output_style(OUTPUT_DIM);
	if (row->kind != SHOW_EXCHANGE || row->status >= 400 || row->status == 0)
		return output_style(OUTPUT_RED);
	return output_style(row->status >= 300 ? OUTPUT_YELLOW : OUTPUT_GREEN);
}

static const char *duration(char buf[static OUTPUT_TEXT_MAX], uint64_t ns)
{
	return ns == UINT64_MAX ? "-" : output_duration(buf, ns);
}

static void print_notes(const struct show_row *row)
{
	json_t *text;
	size_t i;

	json_array_foreach(row->notes, i, text)
	{
		fputs(i ? ", " : "  ", stdout);
		output_safe(span_of(json_string_value(text)), 0);
	}
}

static void print_row(const struct show_row *row, size_t width)
{
	char number[OUTPUT_TEXT_MAX] = "-", status[OUTPUT_TEXT_MAX] = "-";
	char size[OUTPUT_TEXT_MAX], ttfb[OUTPUT_TEXT_MAX], lasted[OUTPUT_TEXT_MAX];

	if (row->number)
		snprintf(number, sizeof(number), "%" PRIu64, row->number);
	if (row->status)
		snprintf(status, sizeof(status), "%d", row->status);
	printf("%3s %+7.3fs %-6s ", number, (double)row->time_ns / 1e9, text_or_dash(row->method));
	print_url(text_or_dash(row->url), width);
	printf(" %s%3s%s %6s %7s %7s", status_style(row), status, output_plain(),
		row->kind >= SHOW_NAME ? "-" : output_bytes(size, row->bytes),
		duration(ttfb, row->ttfb_ns), duration(lasted, row->duration_ns));
	print_notes(row);
	putchar('\n');
}

void show_print_rows(const struct show_rows *rows)
{
	size_t width = url_width(rows);

	if (rows->count && width < 3)
		width = 3;
	if (rows->count)
		printf("%s%3s %8s %-6s %-*s %3s %6s %7s %7s%s\n", output_style(OUTPUT_DIM), "n",
			"time", "method", (int)width, "url", "st", "bytes", "ttfb", "took",
			output_plain());
	for (size_t i = 0; i < rows->count; i++)
		print_row(&rows->rows[i], width);
}

static json_t *number_or_null(uint64_t n)
{
	return n == UINT64_MAX ? json_null() : json_integer((json_int_t)n);
}

static json_t *row_json(const struct show_row *row)
{
	static const char *const targets[] = {"url", "address", "name", "label"};
	json_t *json = json_pack("{s:I, s:I, s:I, s:O}", "time_ns", (json_int_t)row->time_ns, "pid",
		(json_int_t)row->pid, "channel", (json_int_t)row->channel, "notes", row->notes);
	json_object_set_new(
		json, targets[row->kind], output_json_text(span_of(row->url ? row->url : "")));
	if (row->kind >= SHOW_NAME)
		return json;
	json_object_set_new(json, "request_bytes", json_integer((json_int_t)row->request_bytes));
	json_object_set_new(json, "response_bytes", json_integer((json_int_t)row->bytes));
	if (row->kind == SHOW_CONNECT)
		return json;
	json_object_set_new(json, "number", json_integer((json_int_t)row->number));
	json_object_set_new(
		json, "method", output_json_text(span_of(row->method ? row->method : "")));
	json_object_set_new(json, "status", row->status ? json_integer(row->status) : json_null());
	json_object_set_new(json, "ttfb_ns", number_or_null(row->ttfb_ns));
	json_object_set_new(json, "duration_ns", number_or_null(row->duration_ns));
	if (row->sse_events)
		json_object_set_new(json, "sse_events", json_integer((json_int_t)row->sse_events));
	return json;
}

json_t *show_rows_json(const struct show_rows *rows, enum show_kind kind)
{
	json_t *all = json_array();

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i].kind == kind)
			json_array_append_new(all, row_json(&rows->rows[i]));
	}
	return all;
}

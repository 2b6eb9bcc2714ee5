/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tools/rrshim/output.h"

static json_t *untraced(const struct trace_event *e)
{
	return json_pack("{s:I, s:o, s:s}", "pid", (json_int_t)e->pid, "exe",
		output_json_text(e->process.exe), "reason", event_capture_name(e->process.capture));
}

static json_t *gap(const struct trace_event *e)
{
	return json_pack("{s:I, s:I, s:I, s:o}", "time_ns", (json_int_t)e->time_ns, "records",
		(json_int_t)e->gap.records, "bytes", (json_int_t)e->gap.bytes, "reason",
		output_json_text(e->gap.reason));
}

int show_load_processes(struct show *s)
{
	json_t *outside = json_array(), *gaps = json_array();
	struct event_ref ref;
	struct trace_event e;
	json_int_t images = 0, listened = 0;
	int r;

	recording_rewind(s->recording);
	while ((r = recording_next(s->recording, &e, &ref)) > 0) {
		if (e.type == EVENT_GAP)
			json_array_append_new(gaps, gap(&e));
		if (e.type != EVENT_PROCESS && e.type != EVENT_EXEC)
			continue;
		images++;
		if (e.process.capture == EVENT_CAPTURE_LISTENED)
			listened++;
		else if (e.process.capture != EVENT_CAPTURE_TAPPED)
			json_array_append_new(outside, untraced(&e));
	}
	s->processes = json_pack("{s:I, s:I, s:o, s:o}", "images", images, "by_seccomp", listened,
		"untraced", outside, "gaps", gaps);
	return r;
}

static void label(const char *text)
{
	printf("%s%-10s%s", output_style(OUTPUT_DIM), text, output_plain());
}

static void line(const char *name, const char *text)
{
	if (!text)
		return;
	label(name);
	output_safe(span_of(text), 0);
	putchar('\n');
}

static void print_command(const json_t *argv)
{
	json_t *word;
	size_t i;

	if (json_array_size(argv) == 0)
		return;
	label("command");
	json_array_foreach(argv, i, word)
	{
		if (i)
			putchar(' ');
		output_safe(span_of(json_string_value(word) ?: ""), 0);
	}
	putchar('\n');
}

static void print_state(const struct show *s)
{
	const char *state = json_string_value(json_object_get(s->manifest, "state"));
	uint64_t lost = 0;
	enum recording_health health = recording_health(s->recording, &lost);

	label("state");
	printf("%s", state ? state : "unknown: the manifest cannot be read");
	if (state && strcmp(state, "recording") == 0)
		printf(" (still running, or cut off: 'rrshim recover' completes it)");
	if (health == RECORDING_CUT)
		printf("; cut off in the middle of a frame");
	if (health == RECORDING_DAMAGED)
		printf("; %" PRIu64 " damaged frames skipped", lost);
	putchar('\n');
}

static void print_processes(const json_t *processes)
{
	json_int_t images = json_integer_value(json_object_get(processes, "images"));
	json_int_t listened = json_integer_value(json_object_get(processes, "by_seccomp"));
	json_t *outside = json_object_get(processes, "untraced"), *one;
	size_t i, count = json_array_size(outside);

	label("images");
	printf("%" JSON_INTEGER_FORMAT, images);
	if (listened)
		printf(", %" JSON_INTEGER_FORMAT " by seccomp", listened);
	if (count == 0)
		printf(", all traced\n");
	else
		printf(", %zu of them not traced:\n", count);
	json_array_foreach(outside, i, one)
	{
		printf("  %s%8" JSON_INTEGER_FORMAT " ", output_style(OUTPUT_YELLOW),
			json_integer_value(json_object_get(one, "pid")));
		output_safe(span_of(json_string_value(json_object_get(one, "exe"))), 0);
		printf("  %s%s\n", json_string_value(json_object_get(one, "reason")),
			output_plain());
	}
}

static void print_gaps(const json_t *gaps)
{
	json_t *one;
	size_t i;

	json_array_foreach(gaps, i, one)
	{
		label("gap");
		printf("%s%" JSON_INTEGER_FORMAT " records lost: ", output_style(OUTPUT_RED),
			json_integer_value(json_object_get(one, "records")));
		output_safe(span_of(json_string_value(json_object_get(one, "reason"))), 0);
		printf("%s\n", output_plain());
	}
}

static void print_redactions(const json_t *redactions)
{
	const char *kind;
	json_t *count;
	bool first = true;

	if (json_object_size(redactions) == 0)
		return;
	label("redacted");
	json_object_foreach((json_t *)(uintptr_t)redactions, kind, count)
	{
		printf("%s%s %" JSON_INTEGER_FORMAT, first ? "" : ", ", kind,
			json_integer_value(count));
		first = false;
	}
	putchar('\n');
}

static void print_totals(const struct show *s)
{
	char lasted[OUTPUT_TEXT_MAX];

	label("exchanges");
	printf("%zu in %s", s->tape->exchange_count, output_duration(lasted, s->tape->duration_ns));
	if (s->totals.ambiguous)
		printf("; %" PRIu64
		       " ambiguous: identical requests in flight together were answered "
		       "differently",
			s->totals.ambiguous);
	putchar('\n');
}

void show_print_head(const struct show *s)
{
	const json_t *m = s->manifest;

	line("recording", recording_path(s->recording));
	print_command(json_object_get(m, "argv"));
	line("folder", json_string_value(json_object_get(m, "cwd")));
	line("created", json_string_value(json_object_get(m, "created")));
	line("child of", json_string_value(json_object_get(json_object_get(m, "parent"), "id")));
	print_state(s);
	print_processes(s->processes);
	print_gaps(json_object_get(s->processes, "gaps"));
	print_redactions(json_object_get(m, "redactions"));
	print_totals(s);
}

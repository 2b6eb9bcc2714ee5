/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/processes_private.h"

#include <string.h>
#include "storage/event.h"

#define LIST_MAX 10000

/* What is said about an image. */

static json_t *argv_json(struct span argv)
{
	json_t *list = json_array();

	while (argv.len > 0) {
		size_t n = strnlen((const char *)argv.data, argv.len);

		/* Not UTF-8: left out of the JSON, kept in the event. */
		json_array_append_new(list, json_stringn((const char *)argv.data, n));
		n += n < argv.len;
		argv.data += n;
		argv.len -= n;
	}
	return list;
}

/* argv with secrets replaced, NUL-separated, in p->text until the next call. */
static struct span redact_argv(struct processes *p, struct span argv)
{
	buffer_reset(&p->text);
	if (redact_text(p->redactor, argv, &p->text) < 0)
		buffer_reset(&p->text);
	return (struct span){p->text.data, p->text.len};
}

void processes_report_image(struct processes *p, struct trace_event e)
{
	const struct span exe = e.process.exe;

	e.process.argv = redact_argv(p, e.process.argv);
	p->sink.event(p->sink.context, &e);
	if (json_array_size(p->list) >= LIST_MAX)
		return;
	json_array_append_new(p->list,
		json_pack("{s:i, s:o, s:o, s:s}", "pid", (int)e.pid, "exe",
			json_stringn((const char *)exe.data, exe.len) ?: json_null(), "argv",
			argv_json(e.process.argv), "capture",
			event_capture_name(e.process.capture)));
}

void processes_report(struct processes *p, uint32_t type, uint32_t pid, uint32_t parent,
	uint32_t capture, struct span exe, struct span argv, uint64_t time_ns)
{
	processes_report_image(p,
		(struct trace_event){.type = type,
			.pid = pid,
			.time_ns = time_ns,
			.process = {
				.parent = parent, .capture = capture, .exe = exe, .argv = argv}});
}

json_t *processes_list(const struct processes *p)
{
	return json_incref(p->list);
}

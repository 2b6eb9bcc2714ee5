/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/processes_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/deadline.h"
#include "shim/image.h"
#include "storage/event.h"

/* Images that are announced: by who is about to become one, or to start one. */

static const uint32_t captures[] = {
	[IMAGE_TRACEABLE] = EVENT_CAPTURE_UNKNOWN,
	[IMAGE_STATIC] = EVENT_CAPTURE_UNTRACED_STATIC,
	[IMAGE_MUSL] = EVENT_CAPTURE_UNTRACED_MUSL,
	[IMAGE_CLASS] = EVENT_CAPTURE_UNTRACED_CLASS,
	[IMAGE_SETUID] = EVENT_CAPTURE_UNTRACED_SETUID,
	[IMAGE_UNREACHABLE] = EVENT_CAPTURE_UNTRACED_UNREACHABLE,
	[IMAGE_SCRIPT] = EVENT_CAPTURE_UNKNOWN,
	[IMAGE_NONE] = EVENT_CAPTURE_UNKNOWN,
};

/* A slot was taken after the exec was announced, by that pid: the new image came, and may be gone.
 */
static bool has_joined_since(const struct processes *p, uint32_t pid, uint64_t time_ns)
{
	const struct joined *x = processes_find_joined(p, pid);

	return x && x->start_ns >= time_ns;
}

/* `trampoline`: it comes, or says why not. */
static void note_exec(struct processes *p, uint32_t pid, uint32_t name, uint32_t parent,
	uint32_t image, bool trampoline, struct span path, struct span argv, uint64_t time_ns)
{
	uint32_t capture = captures[image];

	if (capture != EVENT_CAPTURE_UNKNOWN && !trampoline)
		processes_report(p, EVENT_EXEC, pid, parent, capture, path, argv, time_ns);
	else if (!has_joined_since(p, name, time_ns))
		expected_add(&p->expected, name, trampoline ? capture : EVENT_CAPTURE_UNTRACED_LOST,
			path, argv, time_ns);
}

void processes_exec(struct processes *p, uint32_t pid, const struct rings_record *r)
{
	struct wire_exec w;
	struct span path, argv;
	uint32_t name;
	bool trampoline;

	if (r->len < sizeof(w))
		return;
	memcpy(&w, r->payload, sizeof(w));
	trampoline = w.image & WIRE_EXEC_TRAMPOLINE;
	w.image &= ~WIRE_EXEC_TRAMPOLINE;
	if (w.path_len == 0 || w.path_len > r->len - sizeof(w) ||
		w.argv_len > r->len - sizeof(w) - w.path_len ||
		w.image >= sizeof(captures) / sizeof(captures[0]))
		return;
	path = (struct span){r->payload + sizeof(w), w.path_len - 1};
	argv = (struct span){r->payload + sizeof(w) + w.path_len, w.argv_len};
	name = processes_name(p, w.pid,
		r->slot < WIRE_SLOTS ? session_slot(p->session, r->slot)->pid_namespace
				     : p->own_namespace);
	if (r->result < 0) {
		expected_withdraw(&p->expected, name);
		return;
	}
	note_exec(p, w.pid, name, pid, w.image, trampoline, path, argv, r->time_ns);
}

void processes_expect(struct processes *p, uint32_t pid, uint32_t image, const char *path,
	char *const argv[], uint64_t time_ns)
{
	struct buffer text = BUFFER(ARGV_MAX);

	for (size_t i = 0; argv[i]; i++) {
		if (buffer_append(&text, argv[i], strlen(argv[i]) + 1) < 0)
			break;
	}
	note_exec(p, pid, pid, 0, image & ~WIRE_EXEC_TRAMPOLINE, image & WIRE_EXEC_TRAMPOLINE,
		span_of(path), (struct span){text.data, text.len}, time_ns);
	buffer_free(&text);
}

/* ---- images under a listener ---- */

static void skip_argument(struct span *argv)
{
	size_t n = strnlen((const char *)argv->data, argv->len);

	n += n < argv->len;
	argv->data += n;
	argv->len -= n;
}

/* "rrshim-trampoline CONTROL IMAGE ARGV…" */
static struct span trampoline_argv(uint32_t pid, char *text, size_t size, struct span *ret_image)
{
	struct span argv;
	FILE *f;

	snprintf(text, size, "/proc/%u/cmdline", pid);
	f = fopen(text, "re");
	argv = (struct span){(uint8_t *)text, f ? fread(text, 1, size - 1, f) : 0};
	if (f)
		fclose(f);
	text[argv.len] = '\0';
	skip_argument(&argv);
	skip_argument(&argv);
	*ret_image = span_of((const char *)argv.data);
	skip_argument(&argv);
	return argv;
}

/* What an image given by its descriptor is called. */
static struct span image_name(uint32_t pid, struct span image, char *to, size_t size)
{
	char path[64];
	ssize_t n;

	if (image.len < 4 || memcmp(image.data, "fd:", 3) != 0)
		return image;
	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, atoi((const char *)image.data + 3));
	n = readlink(path, to, size);
	return n > 0 ? (struct span){(uint8_t *)to, (size_t)n} : image;
}

void processes_listened(struct processes *p, uint32_t pid)
{
	static char text[ARGV_MAX];
	char name[PATH_MAX];
	uint64_t now = monotonic_ns();
	struct span image, argv = trampoline_argv(pid, text, sizeof(text), &image);

	processes_scan(p); /* the image before it may have joined only now */
	processes_supersede(p, pid, now);
	p->joined++;
	processes_remember(p, pid, now, true);
	processes_report(p, EVENT_EXEC, pid, 0, EVENT_CAPTURE_LISTENED,
		image_name(pid, image, name, sizeof(name)), argv, now);
	p->sink.changed(p->sink.context);
}

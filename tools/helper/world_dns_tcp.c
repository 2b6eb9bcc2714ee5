/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world_names_private.h"

#include <stdlib.h>
#include <string.h>
#include "tools/helper/dns_event.h"

/*
 * DNS over TCP is recorded as the bytes that passed. Its answers count as those over UDP do: which
 * of the two a resolver takes depends on how long an answer is.
 */

#define BYTES_MAX (16u << 20) /* of all such dialogues */

static bool is_dns_server(const char *address)
{
	size_t len = strlen(address);

	return len > 3 && strcmp(address + len - 3, ":53") == 0;
}

/* Appends what the server said. */
static bool read_dialogue(struct world_names *w, const struct dialogue *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct tape_run *run = &d->runs[i];
		struct trace_event e;

		if (run->kind == RUN_TLS)
			return false;
		if (run->kind != RUN_IN)
			continue;
		if (recording_read(w->tape->recording, run->ref, &e) < 0 || e.type != EVENT_DATA ||
			run->offset > e.data.bytes.len ||
			run->len > e.data.bytes.len - run->offset ||
			buffer_append(&w->tcp_bytes, e.data.bytes.data + run->offset, run->len))
			return false;
	}
	return true;
}

/* Spans into a buffer that still grows are offsets until it is whole. */
static bool add_name(struct world_names *w, size_t at, size_t len)
{
	struct tape_name *grown = reallocarray(w->tcp, w->tcp_count + 1, sizeof(*grown));

	if (!grown)
		return false;
	w->tcp = grown;
	grown += w->tcp_count++;
	*grown = (struct tape_name){0};
	grown->event.resolve.answer = (struct span){(const uint8_t *)at, len};
	return true;
}

/* Length-prefixed messages (RFC 1035, 4.2.2); false: something else. The last may be cut. */
static bool split(struct world_names *w, size_t at)
{
	while (w->tcp_bytes.len - at >= 2) {
		const uint8_t *p = w->tcp_bytes.data + at;
		size_t len = (size_t)(p[0] << 8 | p[1]);
		struct dns_message m;

		at += 2;
		if (len > w->tcp_bytes.len - at)
			return true;
		if (dns_parse((struct span){w->tcp_bytes.data + at, len}, &m) < 0 || !m.response)
			return false;
		if (m.questions == 1 && !add_name(w, at, len))
			return false;
		at += len;
	}
	return true;
}

static bool finish_name(const struct world_names *w, struct tape_name *n)
{
	struct span *answer = &n->event.resolve.answer;
	char canonical[DNS_NAME_TEXT_MAX];
	struct dns_message m;

	answer->data = w->tcp_bytes.data + (size_t)answer->data;
	if (dns_parse(*answer, &m) < 0)
		return false;
	dns_event_fill(&n->event, &m, canonical);
	n->event.resolve.canonical = (struct span){0};
	n->call = strdup(DNS_EVENT_CALL);
	n->node = strdup(m.question.name);
	return n->call && n->node;
}

void world_dns_read_tcp(struct world_names *w)
{
	w->tcp_bytes = BUFFER(BYTES_MAX);
	w->tcp_is_dns = true;
	for (size_t i = 0; i < w->tape->dialogue_count && w->tcp_is_dns; i++) {
		const struct dialogue *d = w->tape->dialogues[i];
		size_t at = w->tcp_bytes.len;

		if (!d->internal && is_dns_server(d->address))
			w->tcp_is_dns = read_dialogue(w, d) && split(w, at);
	}
	if (!w->tcp_is_dns)
		w->tcp_count = 0;
	for (size_t i = 0; i < w->tcp_count; i++) {
		if (!finish_name(w, &w->tcp[i]))
			w->tcp_count = i;
	}
}

void world_dns_free_tcp(struct world_names *w)
{
	for (size_t i = 0; i < w->tcp_count; i++) {
		free(w->tcp[i].call);
		free(w->tcp[i].node);
	}
	free(w->tcp);
	buffer_free(&w->tcp_bytes);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/collector_private.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/helper/address.h"
#include "tools/helper/dns_event.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

#define UNANSWERED_MAX 4096 /* kept; a program that asks more in vain is believed */

/* ---- libc's questions ---- */

static const char *const call_names[WIRE_RESOLVE_CALL_MAX] = {
	[WIRE_GETADDRINFO] = "getaddrinfo",
	[WIRE_GETHOSTBYNAME] = "gethostbyname",
	[WIRE_GETHOSTBYADDR] = "gethostbyaddr",
	[WIRE_GETNAMEINFO] = "getnameinfo",
};

void collector_take_resolve(struct collector *c, const struct rings_record *r)
{
	const size_t head = offsetof(struct wire_resolve, addresses);
	struct trace_event e = {.type = EVENT_RESOLVE};
	struct wire_resolve w;

	if (r->len < head || r->len > sizeof(w))
		return;
	memset(&w, 0, sizeof(w));
	memcpy(&w, c->payload, r->len);
	if (w.call == 0 || w.call >= WIRE_RESOLVE_CALL_MAX || !call_names[w.call] ||
		w.count > (r->len - head) / sizeof(w.addresses[0]))
		return;
	w.node[sizeof(w.node) - 1] = w.service[sizeof(w.service) - 1] = '\0';
	w.canonical[sizeof(w.canonical) - 1] = '\0';
	e.resolve.call = span_of(call_names[w.call]);
	e.resolve.node = span_of(w.node);
	e.resolve.service = span_of(w.service);
	e.resolve.canonical = span_of(w.canonical);
	e.resolve.flags = w.flags;
	e.resolve.family = w.family;
	e.resolve.socktype = w.socktype;
	e.resolve.protocol = w.protocol;
	e.resolve.result = w.result;
	e.resolve.error = w.error;
	e.resolve.count = w.count;
	for (uint32_t i = 0; i < w.count; i++)
		address_to_event(&w.addresses[i], &e.resolve.addresses[i]);
	collector_emit(c, NULL, e, r->time_ns);
}

/* ---- DNS messages ---- */

struct unanswered {
	struct dns_question question;
	uint32_t pid, tid;
	uint64_t time_ns;
	char *key;
	UT_hash_handle hh;
};

/* The same question, of whatever program: an answer may be read by another than who asked. */
static struct unanswered *find_unanswered(
	struct collector *c, const struct dns_question *q, char key[DNS_NAME_TEXT_MAX + 16])
{
	struct unanswered *u;

	snprintf(key, DNS_NAME_TEXT_MAX + 16, "%u %u %s", q->klass, q->type, q->name);
	HASH_FIND_STR(c->unanswered, key, u);
	return u;
}

static void forget(struct collector *c, struct unanswered *u)
{
	HASH_DEL(c->unanswered, u);
	free(u->key);
	free(u);
}

static void take_query(struct collector *c, const struct dns_message *m, uint64_t time_ns)
{
	char key[DNS_NAME_TEXT_MAX + 16];
	struct unanswered *u;

	if (find_unanswered(c, &m->question, key) || HASH_COUNT(c->unanswered) >= UNANSWERED_MAX)
		return;
	u = calloc(1, sizeof(*u));
	if (!u)
		return;
	*u = (struct unanswered){.question = m->question,
		.pid = c->pid,
		.tid = c->tid,
		.time_ns = time_ns,
		.key = strdup(key)};
	if (u->key)
		HASH_ADD_KEYPTR(hh, c->unanswered, u->key, strlen(u->key), u);
	else
		free(u);
}

static void take_answer(
	struct collector *c, const struct dns_message *m, const char *name, uint64_t time_ns)
{
	struct trace_event e = {.type = EVENT_RESOLVE};
	char canonical[DNS_NAME_TEXT_MAX], key[DNS_NAME_TEXT_MAX + 16];
	struct unanswered *u = find_unanswered(c, &m->question, key);

	if (u)
		forget(c, u);
	dns_event_fill(&e, m, canonical);
	/* A search adds domains to what was asked for. */
	if (name[0])
		e.resolve.node = span_of(name);
	collector_emit(c, NULL, e, time_ns);
}

/* No message: a question nobody answered, or one whose answer libc did not show. */
static void emit_question(struct collector *c, const char *name, int32_t klass, int32_t type,
	int32_t result, int32_t error, uint64_t time_ns)
{
	struct trace_event e = {.type = EVENT_RESOLVE};

	e.resolve.call = span_of(DNS_EVENT_CALL);
	e.resolve.node = span_of(name);
	e.resolve.flags = klass;
	e.resolve.protocol = type;
	e.resolve.result = result;
	e.resolve.error = error;
	collector_emit(c, NULL, e, time_ns);
}

/* A datagram that is no DNS message is of no use to anybody: what the program made of it, it makes
 * of none. */
static void take_message(struct collector *c, const struct wire_dns *w, const char *name,
	struct span bytes, uint64_t time_ns)
{
	struct dns_message m;

	if (!bytes.len && name[0] && w->result)
		emit_question(c, name, w->klass, w->type, w->result, w->error, time_ns);
	else if (dns_parse(bytes, &m) < 0 || m.questions != 1)
		return;
	else if (m.response)
		take_answer(c, &m, name, time_ns);
	else if (w->result) /* by libc, in vain */
		emit_question(c, m.question.name, m.question.klass, m.question.type, w->result,
			w->error, time_ns);
	else
		take_query(c, &m, time_ns);
}

void collector_take_dns(struct collector *c, const struct rings_record *r)
{
	char name[WIRE_RESOLVE_NAME] = "";
	struct wire_dns w;
	size_t at = sizeof(w);

	if (r->len < sizeof(w))
		return;
	memcpy(&w, c->payload, sizeof(w));
	if (w.name_len >= sizeof(name) || w.name_len > r->len - at)
		return;
	memcpy(name, c->payload + at, w.name_len);
	at += w.name_len;
	take_message(c, &w, name, (struct span){c->payload + at, r->len - at}, r->time_ns);
}

void collector_finish_names(struct collector *c)
{
	struct unanswered *u, *next;

	HASH_ITER(hh, c->unanswered, u, next)
	{
		c->pid = u->pid;
		c->tid = u->tid;
		emit_question(c, u->question.name, u->question.klass, u->question.type, TRY_AGAIN,
			ETIMEDOUT, u->time_ns);
		forget(c, u);
	}
}

void collector_forget_names(struct collector *c)
{
	struct unanswered *u, *next;

	HASH_ITER(hh, c->unanswered, u, next)
	forget(c, u);
}

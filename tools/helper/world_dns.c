/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/world_names_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "tools/helper/dns_event.h"

#define QUERY_BYTES_MAX (12 + DNS_NAME_WIRE_MAX + 4)
#define TYPE_SVCB       64
#define ADDRESS_TTL     60 /* seconds; libc does not tell the true one */

/* ---- what is known of a name ---- */

static bool is_dns(const struct tape_name *n)
{
	return strcmp(n->call, DNS_EVENT_CALL) == 0;
}

static bool is_of_name(const struct tape_name *n, const char *name)
{
	return strcasecmp(n->node, name) == 0 && strcmp(n->call, "gethostbyaddr") != 0 &&
		strcmp(n->call, "getnameinfo") != 0;
}

struct collected {
	struct dns_address *to;
	size_t count, max;
};

static void collect(struct collected *c, int family, const uint8_t *ip)
{
	size_t len = family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < c->count; i++) {
		if (c->to[i].family == family && memcmp(c->to[i].ip, ip, len) == 0)
			return;
	}
	if (c->count == c->max || (family != AF_INET && family != AF_INET6))
		return;
	c->to[c->count] = (struct dns_address){.family = family, .ttl = ADDRESS_TTL};
	memcpy(c->to[c->count++].ip, ip, len);
}

/* "host", "host:port": the hosts of programs whose resolver nobody saw are in their requests. */
static bool is_host(const char *authority, const char *name)
{
	size_t len = strlen(name);

	return authority && strncasecmp(authority, name, len) == 0 &&
		(authority[len] == '\0' || authority[len] == ':');
}

/* "127.0.0.1:443", "[::1]:443" */
static void collect_text(struct collected *c, const char *address)
{
	char ip[INET6_ADDRSTRLEN + 2], *end;
	uint8_t bytes[16];

	if (!address || strlen(address) >= sizeof(ip))
		return;
	strcpy(ip, address + (address[0] == '['));
	end = address[0] == '[' ? strchr(ip, ']') : strrchr(ip, ':');
	if (end)
		*end = '\0';
	if (inet_pton(AF_INET, ip, bytes) == 1)
		collect(c, AF_INET, bytes);
	else if (inet_pton(AF_INET6, ip, bytes) == 1)
		collect(c, AF_INET6, bytes);
}

size_t world_names_addresses(
	const struct world_names *w, const char *name, struct dns_address *ret, size_t max)
{
	struct collected c = {ret, 0, max};
	const struct tape *t = w->tape;

	for (size_t i = 0; i < world_names_count(w); i++) {
		const struct tape_name *n = world_names_at(w, i);
		const struct trace_event *e = &n->event;

		for (uint32_t k = 0; is_of_name(n, name) && k < e->resolve.count; k++)
			collect(&c, e->resolve.addresses[k].family, e->resolve.addresses[k].ip);
	}
	for (size_t i = 0; i < t->exchange_count && !c.count; i++) {
		if (is_host(t->exchanges[i]->authority, name))
			collect_text(&c, t->exchanges[i]->address);
	}
	for (size_t i = 0; i < t->dialogue_count && !c.count; i++) {
		if (is_host(t->dialogues[i]->sni, name))
			collect_text(&c, t->dialogues[i]->address);
	}
	return c.count;
}

/* How the recording's resolvers spoke of a name that they gave no address of; EAI_ codes are
 * negative, h_errno is not. False: it was never asked for. */
static bool find_rcode(const struct world_names *w, const char *name, uint16_t *ret)
{
	bool known = false;

	*ret = DNS_NXDOMAIN;
	for (size_t i = 0; i < world_names_count(w); i++) {
		const struct tape_name *n = world_names_at(w, i);
		int result = n->event.resolve.result;

		if (!is_of_name(n, name))
			continue;
		known = true;
		if (result == 0 || result == NO_DATA || result == EAI_NODATA)
			*ret = DNS_NOERROR;
		else if (*ret == DNS_NXDOMAIN && (result == TRY_AGAIN || result == EAI_AGAIN))
			*ret = DNS_SERVFAIL;
	}
	return known;
}

/* ---- recorded answers ---- */

/* A search's answer is to another name than was asked for: it fits a question for either. */
static bool is_answer(const struct tape_name *n, const struct dns_message *query)
{
	struct dns_message m;

	if (!is_dns(n) || n->event.resolve.protocol != query->question.type ||
		n->event.resolve.flags != query->question.klass)
		return false;
	if (strcasecmp(n->node, query->question.name) == 0)
		return true;
	return n->event.resolve.answer.len && dns_parse(n->event.resolve.answer, &m) == 0 &&
		strcasecmp(m.question.name, query->question.name) == 0;
}

/* Nothing came. A question that was answered at another time is not given this: it was lost. */
static bool is_silence(const struct tape_name *n)
{
	return !n->event.resolve.answer.len && n->event.resolve.result == TRY_AGAIN;
}

/* "Ask again over TCP." */
static bool is_truncated(const struct tape_name *n)
{
	struct dns_message m;

	return dns_parse(n->event.resolve.answer, &m) == 0 && m.truncated;
}

/* The first that was not given yet, else the last; of those that say all, if there are any. */
static const struct tape_name *find_answer(struct world_names *w, const struct dns_message *query)
{
	const struct tape_name *best = NULL, *truncated = NULL, *silence = NULL;

	for (size_t i = 0; i < world_names_count(w); i++) {
		const struct tape_name *n = world_names_at(w, i);

		if (!is_answer(n, query))
			continue;
		if (is_silence(n)) {
			silence = n;
			continue;
		}
		if (is_truncated(n)) {
			truncated = n;
			continue;
		}
		best = n;
		if (world_names_is_fresh(w, i)) {
			world_names_give(w, i);
			break;
		}
	}
	return best ? best : truncated ? truncated : silence;
}

static int answer_rcode(const struct dns_message *query, uint16_t rcode, struct buffer *out)
{
	return dns_answer(query, &(struct dns_answer){.rcode = rcode}, true, out);
}

static int answer_recorded(const struct tape_name *n, const struct dns_message *query, size_t limit,
	struct buffer *out)
{
	struct dns_message m;

	if (n->event.resolve.answer.len && dns_parse(n->event.resolve.answer, &m) == 0)
		return dns_adapt(query, &m, limit, out);
	return answer_rcode(query, dns_event_rcode(n->event.resolve.result), out);
}

/* ---- the rest ---- */

static bool is_first_time(struct world_names *w, const char *question)
{
	struct explained *e;

	HASH_FIND_STR(w->explained, question, e);
	if (e)
		return false;
	e = calloc(1, sizeof(*e));
	if (e)
		e->question = strdup(question);
	if (!e || !e->question) {
		free(e);
		return true;
	}
	HASH_ADD_KEYPTR(hh, w->explained, e->question, strlen(e->question), e);
	return true;
}

static json_t *explain_type(struct world_names *w, const struct dns_question *q)
{
	char question[DNS_NAME_TEXT_MAX + 16];

	snprintf(question, sizeof(question), "%s %u", q->name, q->type);
	if (!is_first_time(w, question))
		return NULL;
	return json_pack("{s:s, s:{s:s, s:i}, s:o}", "type", "name_not_recorded", "request", "name",
		q->name, "dns_type", (int)q->type, "message",
		json_sprintf("DNS records of type %u of '%s' were never asked for in the "
			     "recording",
			q->type, q->name));
}

static int answer_addresses(
	struct world_names *w, const struct dns_message *query, struct buffer *out)
{
	struct dns_address addresses[EVENT_ADDRESSES_MAX];
	struct dns_answer a = {.addresses = addresses};
	bool known = find_rcode(w, query->question.name, &a.rcode);

	a.count = world_names_addresses(w, query->question.name, addresses, EVENT_ADDRESSES_MAX);
	if (!a.count && !known &&
		synthetic_address(w->live, query->question.name, addresses[0].ip)) {
		addresses[0].family = AF_INET;
		addresses[0].ttl = ADDRESS_TTL;
		a.count = 1;
	}
	if (a.count)
		a.rcode = DNS_NOERROR;
	else if (!known)
		return -ENOENT;
	/* As over TCP: all of it fits, and nobody need ask again. */
	return dns_answer(query, &a, false, out);
}

static bool asks_for_addresses(const struct dns_question *q)
{
	return q->klass == DNS_IN &&
		(q->type == DNS_A || q->type == DNS_AAAA || q->type == DNS_ANY ||
			/* Asked beside addresses, of every name there is; none is a good answer. */
			q->type == DNS_HTTPS || q->type == TYPE_SVCB);
}

static int answer_unknown(
	struct world_names *w, const struct dns_message *query, struct buffer *out, json_t **missed)
{
	const struct dns_question *q = &query->question;
	struct dns_address address;
	uint16_t rcode;

	if (find_rcode(w, q->name, &rcode) || world_names_addresses(w, q->name, &address, 1) ||
		synthetic_address(w->live, q->name, address.ip)) {
		*missed = explain_type(w, q);
		return answer_rcode(query, DNS_NOERROR, out);
	}
	if (is_first_time(w, q->name))
		*missed = world_names_explain(q->name);
	return answer_rcode(query, DNS_NXDOMAIN, out);
}

static int answer(struct world_names *w, const struct tape_name *n, const struct dns_message *query,
	size_t limit, struct buffer *out, json_t **missed)
{
	int r;

	if (n)
		return answer_recorded(n, query, limit, out);
	r = asks_for_addresses(&query->question) ? answer_addresses(w, query, out) : -ENOENT;
	return r == -ENOENT ? answer_unknown(w, query, out, missed) : r;
}

bool world_names_take_tcp(const struct world_names *w)
{
	return w->tcp_is_dns;
}

int world_names_dns(struct world_names *w, const struct dns_message *query, size_t limit,
	struct buffer *out, json_t **missed)
{
	const struct tape_name *n = find_answer(w, query);

	if (n && is_silence(n))
		return -ETIMEDOUT;
	return answer(w, n, query, limit, out, missed);
}

/* ---- libc's functions ---- */

/* The query for a name: its length, or -EINVAL. */
static int make_query(const struct wire_resolve *q, uint8_t ret[static QUERY_BYTES_MAX])
{
	static const uint8_t header[12] = {[2] = 1, [5] = 1}; /* recursion desired, one question */
	int len = dns_encode_name(q->node, ret + sizeof(header));
	uint8_t *end = ret + sizeof(header) + len;

	if (len < 0)
		return len;
	memcpy(ret, header, sizeof(header));
	end[0] = (uint8_t)(q->protocol >> 8);
	end[1] = (uint8_t)q->protocol;
	end[2] = (uint8_t)(q->flags >> 8);
	end[3] = (uint8_t)q->flags;
	return (int)sizeof(header) + len + 4;
}

static bool parse_query(
	const struct wire_resolve *q, uint8_t made[static QUERY_BYTES_MAX], struct dns_message *ret)
{
	struct span bytes = {q->message, q->count};
	int len;

	if (q->count == 0) {
		len = make_query(q, made);
		if (len < 0)
			return false;
		bytes = (struct span){made, (size_t)len};
	}
	return q->count <= WIRE_MESSAGE_BYTES && dns_parse(bytes, ret) == 0 && !ret->response &&
		ret->questions == 1;
}

void world_names_query(struct world_names *w, const struct wire_resolve *q,
	struct wire_reply *reply, json_t **missed)
{
	struct buffer out = BUFFER(WIRE_MESSAGE_BYTES);
	uint8_t made[QUERY_BYTES_MAX];
	struct dns_message query, m;
	const struct tape_name *n;

	if (!parse_query(q, made, &query))
		return;
	reply->verdict = WIRE_REDIRECT;
	reply->resolve.result = TRY_AGAIN;
	n = find_answer(w, &query);
	if (n && is_silence(n)) {
		reply->resolve.error = n->event.resolve.error;
		return;
	}
	if (answer(w, n, &query, WIRE_MESSAGE_BYTES, &out, missed) == 0 &&
		dns_parse((struct span){out.data, out.len}, &m) == 0) {
		reply->resolve.result = dns_event_result(&m);
		reply->resolve.count = (uint32_t)out.len;
		memcpy(reply->resolve.message, out.data, out.len);
	}
	buffer_free(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "replay/dns.h"

/*
 * A message: every name in it must survive being encoded again; where it is a query, its answer
 * must be one, of the size asked for, with the addresses put in; where it is an answer, so must
 * what another asker gets of it. First the same bytes as text of a name.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is)
{
	if (!is)
		abort();
}

static void check_name(const char *name)
{
	uint8_t wire[12 + DNS_NAME_WIRE_MAX + 4] = {[5] = 1};
	struct dns_message m;
	int len = dns_encode_name(name, wire + 12);

	require(len > 0);
	require(dns_parse((struct span){wire, 12 + (size_t)len + 4}, &m) == 0);
	require(!strcmp(m.question.name, name));
}

static void check_text(struct span text)
{
	uint8_t wire[12 + DNS_NAME_WIRE_MAX + 4] = {[5] = 1};
	char *name = span_dup(text);
	int len = dns_encode_name(name, wire + 12);
	struct dns_message m;

	if (len > 0) {
		require(dns_parse((struct span){wire, 12 + (size_t)len + 4}, &m) == 0);
		check_name(m.question.name);
	}
	free(name);
}

static void check_records(const struct dns_message *m)
{
	struct dns_walk w = {.message = m};
	struct dns_record r;
	unsigned count = 0;

	while (dns_next(&w, &r)) {
		check_name(r.name);
		if (r.target[0])
			check_name(r.target);
		require(r.data.data >= m->bytes.data &&
			r.data.data + r.data.len <= m->bytes.data + m->bytes.len);
		count++;
	}
	require(count == (unsigned)m->counts[0] + m->counts[1] + m->counts[2]);
}

static void check_answer(const struct dns_message *query, bool udp)
{
	struct dns_address addresses[40], got[40];
	struct dns_answer a = {.rcode = query->id % 7 ? 0 : query->id >> 8,
		.addresses = addresses,
		.count = query->id % 41,
		.canonical = query->id & 8 ? "x.example" : NULL};
	struct buffer out = BUFFER(1 << 17);
	char canonical[DNS_NAME_TEXT_MAX];
	struct dns_message m;
	size_t count;

	for (size_t i = 0; i < 40; i++)
		addresses[i] = (struct dns_address){i % 3 ? AF_INET : AF_INET6, {(uint8_t)i}, 9};
	if (dns_answer(query, &a, udp, &out)) {
		require(query->response || query->questions != 1);
		return;
	}
	require(out.len <= (udp ? query->udp_bytes : DNS_MESSAGE_MAX));
	require(dns_parse((struct span){out.data, out.len}, &m) == 0);
	require(m.response && m.id == query->id && m.edns == query->edns);
	require(!strcmp(m.question.name, query->question.name));
	check_records(&m);
	count = dns_addresses(&m, got, 40, canonical);
	require(count <= a.count);
	for (size_t i = 0; i < count; i++)
		require(got[i].ttl == 9);
	buffer_free(&out);
}

static void check_adapted(const struct dns_message *recorded)
{
	static const uint8_t bytes[] = "\1\2\1\0\0\1\0\0\0\0\0\1\1x\0\0\1\0\1"
				       "\0\0\x29\x10\0\0\0\0\0\0\0";
	size_t limit = 12 + recorded->id % 1024;
	struct buffer out = BUFFER(1 << 17);
	struct dns_message query, m;

	require(dns_parse((struct span){bytes, sizeof(bytes) - 1}, &query) == 0);
	if (dns_adapt(&query, recorded, limit, &out) == 0) {
		require(out.len <= limit);
		require(dns_parse((struct span){out.data, out.len}, &m) == 0);
		require(m.response && m.id == query.id && m.edns);
		check_records(&m);
	}
	buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_address addresses[8];
	char canonical[DNS_NAME_TEXT_MAX];
	struct dns_message m;

	check_text((struct span){data, size});
	if (dns_parse((struct span){data, size}, &m))
		return 0;
	if (m.questions)
		check_name(m.question.name);
	check_records(&m);
	require(dns_addresses(&m, addresses, 8, canonical) <= 8);
	check_answer(&m, true);
	check_answer(&m, false);
	check_adapted(&m);
	return 0;
}

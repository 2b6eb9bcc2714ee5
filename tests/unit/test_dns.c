/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dns.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define B(s) SPAN_LITERAL(s)

/* Header: id, flags and the four counts. */
#define H(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define QUERY                    H("\1\0", "\1", "\0", "\0", "\0")
#define EXAMPLE                  "\7Example\3com\0"
#define EDNS                     "\0\0\x29\x10\0\0\0\x80\0\0\0" /* 4096 bytes, DO */

static struct dns_message parsed(struct span bytes)
{
	struct dns_message m;

	cr_assert_eq(dns_parse(bytes, &m), 0);
	return m;
}

Test(dns, a_query)
{
	struct dns_message m =
		parsed(B(H("\1\0", "\1", "\0", "\0", "\1") EXAMPLE "\0\x1c\0\1" EDNS));

	cr_expect_eq(m.id, 0x1234);
	cr_expect(!m.response && m.recursion_desired && !m.truncated && m.edns && m.dnssec_ok);
	cr_expect_str_eq(m.question.name, "Example.com");
	cr_expect_eq(m.question.type, DNS_AAAA);
	cr_expect_eq(m.question.klass, DNS_IN);
	cr_expect_eq(m.udp_bytes, 4096);
}

#define ANSWER                                                                                     \
	H("\x81\x83", "\1", "\4", "\1", "\0")                                                      \
	EXAMPLE "\0\1\0\1"                                                                         \
		"\xc0\x0c\0\5\0\1\0\0\0\12\0\6\3www\xc0\x14"                                       \
		"\xc0\x29\0\1\0\1\0\0\1\0\0\4\177\0\0\1"                                           \
		"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\12\0\0\1"                                            \
		"\3wwW\7example\3com\0\0\1\0\1\0\0\0\2\0\4\177\0\0\2"                              \
		"\0\0\6\0\1\0\0\0\3\0\2xy"

Test(dns, an_answer_with_compressed_names)
{
	static const struct {
		enum dns_section section;
		const char *name;
		uint16_t type;
		uint32_t ttl;
		const char *target;
	} expected[] = {
		{DNS_ANSWER, "Example.com", DNS_CNAME, 10, "www.com"},
		{DNS_ANSWER, "www.com", DNS_A, 256, ""},
		{DNS_ANSWER, "Example.com", DNS_A, 1, ""},
		{DNS_ANSWER, "wwW.example.com", DNS_A, 2, ""},
		{DNS_AUTHORITY, ".", DNS_SOA, 3, ""},
	};
	struct dns_message m = parsed(B(ANSWER));
	struct dns_walk w = {.message = &m};
	struct dns_record r;

	cr_expect(m.response);
	cr_expect_eq(m.rcode, DNS_NXDOMAIN);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		cr_assert(dns_next(&w, &r));
		cr_expect_eq(r.section, expected[i].section);
		cr_expect_str_eq(r.name, expected[i].name);
		cr_expect_eq(r.type, expected[i].type);
		cr_expect_eq(r.ttl, expected[i].ttl);
		cr_expect_str_eq(r.target, expected[i].target);
	}
	cr_expect(span_equal(r.data, B("xy")));
	cr_expect(!dns_next(&w, &r));
}

Test(dns, addresses_are_those_the_cnames_lead_to)
{
	struct dns_message m = parsed(B(ANSWER));
	struct dns_address addresses[4];
	char canonical[DNS_NAME_TEXT_MAX];

	cr_assert_eq(dns_addresses(&m, addresses, 4, canonical), 1);
	cr_expect_str_eq(canonical, "www.com");
	cr_expect_eq(addresses[0].family, AF_INET);
	cr_expect_eq(addresses[0].ttl, 256);
	cr_expect(!memcmp(addresses[0].ip, "\177\0\0\1", 4));
}

Test(dns, cnames_in_a_circle_end)
{
	struct dns_message m = parsed(
		B(H("\x81\x80", "\1", "\1", "\0", "\0") "\1a\0\0\1\0\1"
							"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"));
	struct dns_address address;
	char canonical[DNS_NAME_TEXT_MAX];

	cr_expect_eq(dns_addresses(&m, &address, 1, canonical), 0);
}

Test(dns, any_byte_in_a_label)
{
	struct dns_message m = parsed(B(QUERY "\6a.\\ \0\xff\1b\0\0\1\0\1"));
	uint8_t wire[DNS_NAME_WIRE_MAX];

	cr_expect_str_eq(m.question.name, "a\\.\\\\\\032\\000\\255.b");
	cr_assert_eq(dns_encode_name(m.question.name, wire), 10);
	cr_expect(!memcmp(wire, "\6a.\\ \0\xff\1b", 10));
}

/* Four labels of at most 63 bytes. */
static struct buffer long_name(size_t last)
{
	struct buffer b = BUFFER(1024);
	char label[63];

	memset(label, '\t', sizeof(label));
	buffer_append(&b, QUERY, 12);
	for (int i = 0; i < 4; i++) {
		uint8_t len = i < 3 ? 63 : (uint8_t)last;

		buffer_append(&b, &len, 1);
		buffer_append(&b, label, len);
	}
	buffer_append(&b, "\0\0\1\0\1", 5);
	return b;
}

Test(dns, names_end_at_255_bytes)
{
	struct buffer b = long_name(61);
	struct dns_message m = parsed((struct span){b.data, b.len});
	uint8_t wire[DNS_NAME_WIRE_MAX];

	cr_expect_eq(strlen(m.question.name), 250 * 4 + 3);
	cr_expect_eq(dns_encode_name(m.question.name, wire), 255);
	strcat(m.question.name, "x");
	cr_expect_eq(dns_encode_name(m.question.name, wire), -EINVAL);
	buffer_free(&b);
	b = long_name(62);
	cr_expect_eq(dns_parse((struct span){b.data, b.len}, &m), -EBADMSG);
	buffer_free(&b);
}

Test(dns, what_is_not_a_name)
{
	static const char *const bad[] = {"a..b", ".a", "a\\", "a\\25", "a\\256", "..",
		"1234567890123456789012345678901234567890123456789012345678901234"};
	uint8_t wire[DNS_NAME_WIRE_MAX];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(dns_encode_name(bad[i], wire), -EINVAL, "%s", bad[i]);
	cr_expect_eq(dns_encode_name(".", wire), 1);
	cr_expect_eq(dns_encode_name("a.", wire), 3);
	cr_expect_eq(dns_encode_name("a\\b", wire), 4);
}

Test(dns, what_is_not_a_message)
{
	static const struct span bad[] = {
		B(""),
		B("\x12\x34\1\0\0\1\0\0\0\0\0"),
		B(QUERY),
		B(QUERY EXAMPLE),
		B(QUERY EXAMPLE "\0\1\0"),
		B(QUERY "\7Exa"),
		B(QUERY "\x80" EXAMPLE "\0\1\0\1"),
		B(QUERY "\xc0\x0c\0\1\0\1"),     /* to itself */
		B(QUERY "\1a\xc0\x0c\0\1\0\1"),  /* to its own name */
		B(QUERY "\xc0\0\0\1\0\1"),       /* into the header */
		B(QUERY "\xc0\x10\0\0\0\1\0\1"), /* forward */
		B(QUERY "\1a\xc0"),
		B(H("\1\0", "\0", "\0", "\0", "\1") "\0\0\x29\x10\0\0\0\x80\0\0\1"),
		B(H("\1\0", "\0", "\1", "\0", "\0") "\0\0\5\0\1\0\0\0\0\0\2\1a\0"),
		B(H("\1\0", "\0", "\0", "\0", "\2") EDNS),
	};
	struct dns_message m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(dns_parse(bad[i], &m), -EBADMSG, "%zu", i);
}

static const struct dns_address some[] = {
	{AF_INET, {192, 0, 2, 1}, 60},
	{AF_INET6, {0x20, 1, 0xd, 0xb8, [15] = 1}, 61},
	{AF_INET, {192, 0, 2, 2}, 62},
};

static struct buffer answer(struct span query, const struct dns_answer *a, bool udp)
{
	struct dns_message m = parsed(query);
	struct buffer out = BUFFER(1 << 17);

	cr_assert_eq(dns_answer(&m, a, udp, &out), 0);
	return out;
}

static size_t addresses_of(const struct buffer *b, struct dns_address *ret, size_t max, char *name)
{
	struct dns_message m = parsed((struct span){b->data, b->len});

	cr_expect(m.response);
	cr_expect_eq(m.id, 0x1234);
	return dns_addresses(&m, ret, max, name);
}

Test(dns, an_answer_is_what_was_asked_for)
{
	static const struct dns_answer a = {.addresses = some, .count = 3};
	struct buffer v4 = answer(B(QUERY EXAMPLE "\0\1\0\1"), &a, true);
	struct buffer v6 = answer(B(QUERY EXAMPLE "\0\x1c\0\1"), &a, true);
	struct buffer text = answer(B(QUERY EXAMPLE "\0\x10\0\1"), &a, true);
	struct buffer chaos = answer(B(QUERY EXAMPLE "\0\1\0\3"), &a, true);
	struct dns_address got[4];
	char name[DNS_NAME_TEXT_MAX];

	cr_expect(span_equal((struct span){v4.data, v4.len},
		B(H("\x81\x80", "\1", "\2", "\0", "\0") EXAMPLE
			"\0\1\0\1"
			"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
			"\xc0\x0c\0\1\0\1\0\0\0\x3e\0\4\xc0\0\2\2")));
	cr_assert_eq(addresses_of(&v4, got, 4, name), 2);
	cr_expect_str_eq(name, "Example.com");
	cr_assert_eq(addresses_of(&v6, got, 4, name), 1);
	cr_expect(got[0].family == AF_INET6 && got[0].ttl == 61 &&
		!memcmp(got[0].ip, some[1].ip, 16));
	cr_expect_eq(addresses_of(&text, got, 4, name), 0);
	cr_expect_eq(addresses_of(&chaos, got, 4, name), 0);
	buffer_free(&v4);
	buffer_free(&v6);
	buffer_free(&text);
	buffer_free(&chaos);
}

Test(dns, an_answer_by_another_name)
{
	static const struct dns_answer a = {
		.addresses = some, .count = 3, .canonical = "edge\\.1.example.net"};
	struct buffer v4 = answer(B(QUERY EXAMPLE "\0\1\0\1"), &a, true);
	struct buffer cname = answer(B(QUERY EXAMPLE "\0\5\0\1"), &a, true);
	struct buffer text = answer(B(QUERY EXAMPLE "\0\x10\0\1"), &a, true);
	struct dns_address got[4];
	char name[DNS_NAME_TEXT_MAX];

	cr_expect_eq(addresses_of(&v4, got, 4, name), 2);
	cr_expect_str_eq(name, a.canonical);
	cr_expect_eq(addresses_of(&cname, got, 4, name), 0);
	cr_expect_str_eq(name, a.canonical);
	cr_expect_eq(addresses_of(&text, got, 4, name), 0);
	cr_expect_str_eq(name, "Example.com");
	buffer_free(&v4);
	buffer_free(&cname);
	buffer_free(&text);
}

Test(dns, failures_and_edns)
{
	static const struct dns_answer none = {
		.rcode = DNS_NXDOMAIN, .addresses = some, .count = 3};
	static const struct dns_answer far = {.rcode = 23}; /* BADCOOKIE */
	struct buffer b =
		answer(B(H("\1\0", "\1", "\0", "\0", "\1") EXAMPLE "\0\1\0\1" EDNS), &none, true);
	struct dns_message m = parsed((struct span){b.data, b.len});

	cr_expect(m.edns && m.dnssec_ok && m.counts[DNS_ANSWER] == 0);
	cr_expect_eq(m.rcode, DNS_NXDOMAIN);
	buffer_free(&b);
	b = answer(B(H("\1\0", "\1", "\0", "\0", "\1") EXAMPLE "\0\1\0\1" EDNS), &far, true);
	cr_expect_eq(parsed((struct span){b.data, b.len}).rcode, 23);
	buffer_free(&b);
	b = answer(B(QUERY EXAMPLE "\0\1\0\1"), &far, true);
	cr_expect_eq(parsed((struct span){b.data, b.len}).rcode, DNS_SERVFAIL);
	buffer_free(&b);
}

Test(dns, what_does_not_fit_is_left_out_and_said_so)
{
	static struct dns_address many[100];
	struct dns_answer a = {.addresses = many, .count = 100};
	struct dns_address got[100];
	char name[DNS_NAME_TEXT_MAX];
	struct buffer udp, edns, tcp;

	for (int i = 0; i < 100; i++)
		many[i] = (struct dns_address){AF_INET6, {(uint8_t)i}, 1};
	udp = answer(B(QUERY EXAMPLE "\0\x1c\0\1"), &a, true);
	edns = answer(B(H("\1\0", "\1", "\0", "\0", "\1") EXAMPLE "\0\x1c\0\1" EDNS), &a, true);
	tcp = answer(B(QUERY EXAMPLE "\0\x1c\0\1"), &a, false);
	cr_expect(udp.len <= 512 && parsed((struct span){udp.data, udp.len}).truncated);
	cr_expect_eq(addresses_of(&udp, got, 100, name), 17);
	cr_expect(edns.len <= 4096 && !parsed((struct span){edns.data, edns.len}).truncated);
	cr_expect_eq(addresses_of(&edns, got, 100, name), 100);
	cr_expect_eq(addresses_of(&tcp, got, 100, name), 100);
	buffer_free(&udp);
	buffer_free(&edns);
	buffer_free(&tcp);
}

Test(dns, only_queries_are_answered)
{
	static const struct dns_answer a = {.count = 0}, bad = {.canonical = "a..b"};
	struct dns_message response = parsed(B(ANSWER)),
			   none = parsed(B(H("\1\0", "\0", "\0", "\0", "\0"))),
			   query = parsed(B(QUERY EXAMPLE "\0\1\0\1"));
	struct buffer out = BUFFER(1 << 16), small = BUFFER(16);

	cr_expect_eq(dns_answer(&response, &a, true, &out), -EINVAL);
	cr_expect_eq(dns_answer(&none, &a, true, &out), -EINVAL);
	cr_expect_eq(dns_answer(&query, &bad, true, &out), -EINVAL);
	cr_expect_eq(dns_answer(&query, &a, true, &small), -E2BIG);
	cr_expect(!out.len && !small.len);
}

static struct buffer adapted(struct span query, struct span recorded, size_t limit)
{
	struct dns_message q = parsed(query), m = parsed(recorded);
	struct buffer out = BUFFER(1 << 16);

	cr_assert_eq(dns_adapt(&q, &m, limit, &out), 0);
	return out;
}

#define QUERY_OF(id, name, type) id "\1\0\0\1\0\0\0\0\0\0" name type "\0\1"
#define TXT                      "\xc0\x0c\0\x10\0\1\0\0\0\1\0\5\4text"

Test(dns, a_recorded_answer_to_another_asker)
{
	struct buffer b = adapted(B(QUERY_OF("\xab\xcd", "\7eXAMPLE\3cOM\0", "\0\x10")),
		B("\x12\x34\x81\x80\0\1\0\2\0\0\0\1" EXAMPLE "\0\x10\0\1" TXT TXT
		  "\0\0\x29\4\xd0\0\0\0\0\0\0"),
		512);

	/* Its id and spelling, both records, and no EDNS for one who does not speak it. */
	cr_assert(span_equal((struct span){b.data, b.len},
		B("\xab\xcd\x81\x80\0\1\0\2\0\0\0\0"
		  "\7eXAMPLE\3cOM\0\0\x10\0\1" TXT TXT)));
	buffer_free(&b);
	b = adapted(B(H("\1\0", "\1", "\0", "\0", "\1") EXAMPLE "\0\x10\0\1" EDNS),
		B("\0\0\x87\x80\0\1\0\2\0\0\0\0" EXAMPLE "\0\x10\0\1" TXT TXT), 29 + 17 + 11);
	cr_expect(span_equal((struct span){b.data, b.len},
			  B("\x12\x34\x85\x80\0\1\0\1\0\0\0\1" EXAMPLE "\0\x10\0\1" TXT
			    "\0\0\x29\4\xd0\0\0\x80\0\0\0")),
		"one record fits; not cut in the asker's eyes");
	buffer_free(&b);
}

Test(dns, truncated_and_empty_stays_truncated)
{
	struct buffer b = adapted(B(QUERY EXAMPLE "\0\1\0\1"),
		B("\0\0\x83\x80\0\1\0\0\0\0\0\0" EXAMPLE "\0\1\0\1"), 512);

	cr_expect(parsed((struct span){b.data, b.len}).truncated);
	buffer_free(&b);
}

Test(dns, only_answers_are_adapted)
{
	struct dns_message answer = parsed(B(ANSWER)), query = parsed(B(QUERY EXAMPLE "\0\1\0\1"));
	struct buffer out = BUFFER(1 << 16), small = BUFFER(16);

	cr_expect_eq(dns_adapt(&answer, &answer, 512, &out), -EINVAL);
	cr_expect_eq(dns_adapt(&query, &query, 512, &out), -EINVAL);
	cr_expect_eq(dns_adapt(&query, &answer, 20, &out), -EINVAL);
	cr_expect_eq(dns_adapt(&query, &answer, 512, &small), -E2BIG);
	cr_expect(!out.len && !small.len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HEADER_BYTES    12
#define OPT_BYTES       11
#define LABEL_MAX       63
#define POINTER         0xc000
#define RECORD_BYTES    12 /* before its data, the owner being a pointer */
#define UDP_BYTES_TAKEN 1232
#define CNAME_TTL       60

enum { FLAG_RESPONSE = 0x8000, FLAG_TC = 0x0200, FLAG_RD = 0x0100, FLAG_RA = 0x0080 };

/* One byte of a label at *at, escaped or not; -EINVAL. */
static int unescape(const char **at)
{
	const char *p = *at;
	int value = 0;

	if (*p != '\\') {
		*at = p + 1;
		return (uint8_t)*p;
	}
	if (p[1] < '0' || p[1] > '9') {
		*at = p + (p[1] ? 2 : 1);
		return p[1] ? (uint8_t)p[1] : -EINVAL;
	}
	for (int i = 1; i <= 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -EINVAL;
		value = value * 10 + p[i] - '0';
	}
	*at = p + 4;
	return value <= 255 ? value : -EINVAL;
}

int dns_encode_name(const char *name, uint8_t ret[DNS_NAME_WIRE_MAX])
{
	size_t label = 0, len = 1;

	if (!strcmp(name, "."))
		name = "";
	while (*name) {
		bool dot = *name == '.';
		int c = unescape(&name);

		if (c < 0 || len == DNS_NAME_WIRE_MAX || (dot && len == label + 1))
			return -EINVAL;
		if (!dot) {
			ret[len++] = (uint8_t)c;
			if (len - label - 1 > LABEL_MAX)
				return -EINVAL;
			continue;
		}
		ret[label] = (uint8_t)(len - label - 1);
		label = len++;
	}
	ret[label] = (uint8_t)(len - label - 1);
	if (!ret[label])
		return (int)len;
	if (len == DNS_NAME_WIRE_MAX)
		return -EINVAL;
	ret[len++] = 0;
	return (int)len;
}

/* Its maximum is what the asker takes, less the room for OPT. */
struct writer {
	struct buffer bytes;
	const struct dns_message *query;
	uint16_t owner; /* of the next record, as a pointer */
	uint16_t answers;
	int error;
};

static void put_u16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static void put_u32(uint8_t *p, uint32_t n)
{
	put_u16(p, (uint16_t)(n >> 16));
	put_u16(p + 2, (uint16_t)n);
}

static void write_record(struct writer *w, uint16_t type, uint32_t ttl, struct span data)
{
	uint8_t record[RECORD_BYTES + DNS_NAME_WIRE_MAX];

	if (w->error)
		return;
	put_u16(record, w->owner);
	put_u16(record + 2, type);
	put_u16(record + 4, DNS_IN);
	put_u32(record + 6, ttl);
	put_u16(record + 10, (uint16_t)data.len);
	memcpy(record + RECORD_BYTES, data.data, data.len);
	w->error = buffer_append(&w->bytes, record, RECORD_BYTES + data.len);
	w->answers += !w->error;
}

static bool wants(const struct dns_message *query, uint16_t type)
{
	uint16_t asked = query->question.type;

	return asked == type || asked == DNS_ANY ||
		(type == DNS_CNAME && (asked == DNS_A || asked == DNS_AAAA));
}

/* The records after it belong to the name it leads to. */
static int write_canonical(struct writer *w, const char *canonical)
{
	uint8_t name[DNS_NAME_WIRE_MAX];
	size_t at = w->bytes.len + RECORD_BYTES;
	int len;

	if (!canonical || !*canonical || !strcasecmp(canonical, w->query->question.name))
		return 0;
	len = dns_encode_name(canonical, name);
	if (len < 0)
		return len;
	if (!wants(w->query, DNS_CNAME))
		return 0;
	write_record(w, DNS_CNAME, CNAME_TTL, (struct span){name, (size_t)len});
	w->owner = (uint16_t)(POINTER | at);
	return 0;
}

static void write_addresses(struct writer *w, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->count; i++) {
		bool v4 = a->addresses[i].family == AF_INET;
		uint16_t type = v4 ? DNS_A : DNS_AAAA;

		if (wants(w->query, type))
			write_record(w, type, a->addresses[i].ttl,
				(struct span){a->addresses[i].ip, v4 ? 4 : 16});
	}
}

static int write_answers(struct writer *w, const struct dns_answer *a)
{
	uint16_t klass = w->query->question.klass;
	int r;

	if (klass != DNS_IN && klass != DNS_CLASS_ANY)
		return 0;
	r = write_canonical(w, a->canonical);
	if (r == 0 && a->rcode == DNS_NOERROR)
		write_addresses(w, a);
	return r;
}

/*
 * RA is always set: Go takes an answer without records from a server that neither is an authority
 * nor recurses for a lame referral, and asks the next one.
 */
static void put_header(const struct writer *w, uint16_t rcode, uint8_t header[HEADER_BYTES])
{
	uint16_t flags = FLAG_RESPONSE | FLAG_RA;

	flags |= (uint16_t)(w->query->opcode << 11) | (rcode & 0xf);
	if (w->query->recursion_desired)
		flags |= FLAG_RD;
	if (w->error == -E2BIG)
		flags |= FLAG_TC;
	put_u16(header, w->query->id);
	put_u16(header + 2, flags);
	put_u16(header + 4, 1);
	put_u16(header + 6, w->answers);
	put_u16(header + 8, 0);
	put_u16(header + 10, w->query->edns);
}

static void put_opt(const struct writer *w, uint16_t rcode, uint8_t opt[OPT_BYTES])
{
	memset(opt, 0, OPT_BYTES);
	put_u16(opt + 1, DNS_OPT);
	put_u16(opt + 3, UDP_BYTES_TAKEN);
	put_u32(opt + 5, (uint32_t)(rcode >> 4) << 24 | (w->query->dnssec_ok ? 0x8000 : 0));
}

static int append_whole(const struct writer *w, uint16_t rcode, struct buffer *out)
{
	uint8_t header[HEADER_BYTES], opt[OPT_BYTES];
	int r = buffer_reserve(out, w->bytes.len + OPT_BYTES);

	if (r)
		return r;
	put_header(w, rcode, header);
	put_opt(w, rcode, opt);
	buffer_append(out, header, HEADER_BYTES);
	buffer_append(out, w->bytes.data + HEADER_BYTES, w->bytes.len - HEADER_BYTES);
	return w->query->edns ? buffer_append(out, opt, OPT_BYTES) : 0;
}

int dns_answer(
	const struct dns_message *query, const struct dns_answer *a, bool udp, struct buffer *out)
{
	size_t limit = udp ? query->udp_bytes : DNS_MESSAGE_MAX;
	struct writer w = {.query = query, .owner = POINTER | HEADER_BYTES};
	/* Its upper bits need a place that a query without EDNS has not left for them. */
	uint16_t rcode = a->rcode > 0xf && !query->edns ? DNS_SERVFAIL : a->rcode;
	int r;

	if (query->response || query->questions != 1)
		return -EINVAL;
	w.bytes = BUFFER(limit - (query->edns ? OPT_BYTES : 0));
	/* The query's own question, case and all: resolvers compare it. */
	r = buffer_append(&w.bytes, query->bytes.data, query->question_end);
	if (r == 0)
		r = write_answers(&w, a);
	if (r == 0 && w.error && w.error != -E2BIG)
		r = w.error;
	if (r == 0)
		r = append_whole(&w, rcode, out);
	buffer_free(&w.bytes);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES  12
#define OPT_BYTES     11
#define OPT_UDP_TAKEN 1232

enum { FLAG_TC = 0x02, FLAG_RD = 0x01 };

static void put_u16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

/*
 * Where what is kept of the records ends. An OPT is between one asker and one server (a cookie in
 * it would be another's), so the records end before it; names before it never point past it.
 */
static size_t end_of_records(const struct dns_message *m, size_t limit, uint16_t ret_counts[3])
{
	struct dns_walk w = {.message = m};
	struct dns_record record;
	size_t end = m->records_at;

	memset(ret_counts, 0, 3 * sizeof(*ret_counts));
	while (dns_next(&w, &record) && record.type != DNS_OPT && w.at <= limit) {
		ret_counts[record.section]++;
		end = w.at;
	}
	return end;
}

static bool same_question(const struct dns_message *query, const struct dns_message *recorded)
{
	return query->question_end == recorded->question_end &&
		!strcasecmp(query->question.name, recorded->question.name);
}

static int append_opt(const struct dns_message *query, uint16_t rcode, struct buffer *out)
{
	uint8_t opt[OPT_BYTES] = {0};

	put_u16(opt + 1, DNS_OPT);
	put_u16(opt + 3, OPT_UDP_TAKEN);
	opt[5] = (uint8_t)(rcode >> 4);
	opt[7] = query->dnssec_ok ? 0x80 : 0;
	return buffer_append(out, opt, sizeof(opt));
}

int dns_adapt(const struct dns_message *query, const struct dns_message *recorded, size_t limit,
	struct buffer *out)
{
	size_t opt = query->edns ? OPT_BYTES : 0, start = out->len, end;
	uint16_t counts[3];
	uint8_t *head;
	int r;

	if (query->response || query->questions != 1 || !recorded->response ||
		recorded->questions != 1 || limit < recorded->records_at + opt)
		return -EINVAL;
	end = end_of_records(recorded, limit - opt, counts);
	r = buffer_append(out, recorded->bytes.data, end);
	if (r)
		return r;
	head = out->data + start;
	put_u16(head, query->id);
	head[2] = (uint8_t)((head[2] & ~(FLAG_RD | FLAG_TC)) |
		(query->recursion_desired ? FLAG_RD : 0) |
		(recorded->truncated && !counts[DNS_ANSWER] ? FLAG_TC : 0));
	for (int i = 0; i < 3; i++)
		put_u16(head + 6 + 2 * i, counts[i]);
	put_u16(head + 10, (uint16_t)(counts[DNS_ADDITIONAL] + query->edns));
	/* Case and all: some resolvers vary it and compare. */
	if (same_question(query, recorded))
		memcpy(head + HEADER_BYTES, query->bytes.data + HEADER_BYTES,
			query->question_end - HEADER_BYTES);
	if (query->edns)
		r = append_opt(query, recorded->rcode, out);
	if (r)
		out->len = start;
	return r;
}

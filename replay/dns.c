/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HEADER_BYTES  12
#define LABEL_MAX     63
#define POINTER       0xc0
#define ESCAPED_BYTES 4  /* \DDD */
#define CNAMES_MAX    16 /* followed; resolvers give up there too */

/* Bytes read off a message front to back; once some are missing, `bad` stays. */
struct reader {
	struct span bytes;
	size_t at;
	bool bad;
};

static bool has(struct reader *r, size_t n)
{
	r->bad |= n > r->bytes.len - r->at;
	return !r->bad;
}

static uint16_t read_u16(struct reader *r)
{
	if (!has(r, 2))
		return 0;
	r->at += 2;
	return (uint16_t)(r->bytes.data[r->at - 2] << 8 | r->bytes.data[r->at - 1]);
}

static uint32_t read_u32(struct reader *r)
{
	uint32_t high = read_u16(r);

	return high << 16 | read_u16(r);
}

static size_t escape(uint8_t c, char *ret)
{
	if (c <= ' ' || c >= 0x7f)
		return (size_t)snprintf(ret, ESCAPED_BYTES + 1, "\\%03u", c);
	if (c != '.' && c != '\\') {
		*ret = (char)c;
		return 1;
	}
	ret[0] = '\\';
	ret[1] = (char)c;
	return 2;
}

/* Where the text of a name has got to, and how much of it there was on the wire. */
struct name_text {
	char *text;
	size_t len, wire;
};

static void add_label(struct name_text *n, struct span label)
{
	if (n->len)
		n->text[n->len++] = '.';
	for (size_t i = 0; i < label.len; i++)
		n->len += escape(label.data[i], n->text + n->len);
	n->wire += 1 + label.len;
}

/*
 * A name, compressed or not (RFC 1035, 4.1.4). Each pointer must lead further to the front than
 * where its part of the name began, and what it leads to must end before that: so no chain of them
 * is endless, and no name reads what comes after it.
 */
static void read_name(struct reader *r, char ret[DNS_NAME_TEXT_MAX])
{
	struct name_text n = {.text = ret};
	size_t begin = r->at, at = r->at, end = 0, stop = r->bytes.len;
	struct span b = r->bytes;

	while (!r->bad && at < stop && b.data[at]) {
		size_t len = b.data[at];

		if (len >= POINTER) {
			size_t to = at + 1 < b.len ? (len & 0x3f) << 8 | b.data[at + 1] : b.len;

			end = end ? end : at + 2;
			r->bad |= to < HEADER_BYTES || to >= begin;
			stop = begin;
			begin = at = to;
			continue;
		}
		/* One byte is left for the root. */
		r->bad |= len > LABEL_MAX || len >= stop - at ||
			n.wire + 1 + len > DNS_NAME_WIRE_MAX - 1;
		if (!r->bad)
			add_label(&n, (struct span){b.data + at + 1, len});
		at += 1 + len;
	}
	r->bad |= at >= stop;
	if (!n.len)
		ret[n.len++] = '.';
	ret[n.len] = 0;
	if (!r->bad)
		r->at = end ? end : at + 1;
}

static bool has_target(uint16_t type)
{
	return type == DNS_CNAME || type == DNS_NS || type == DNS_PTR || type == DNS_DNAME;
}

/* The name in a record's data must end where the data does. */
static void read_target(struct reader *r, struct dns_record *ret)
{
	size_t end = r->at + ret->data.len;

	read_name(r, ret->target);
	r->bad |= r->at != end;
}

static void read_record(struct reader *r, struct dns_record *ret)
{
	size_t len;

	ret->target[0] = 0;
	read_name(r, ret->name);
	ret->type = read_u16(r);
	ret->klass = read_u16(r);
	ret->ttl = read_u32(r);
	len = read_u16(r);
	if (!has(r, len))
		return;
	ret->data = (struct span){r->bytes.data + r->at, len};
	if (has_target(ret->type) && len)
		read_target(r, ret);
	else
		r->at += len;
}

static void read_header(struct reader *r, struct dns_message *ret)
{
	uint16_t flags;

	ret->id = read_u16(r);
	flags = read_u16(r);
	ret->response = flags & 0x8000;
	ret->opcode = flags >> 11 & 0xf;
	ret->truncated = flags & 0x0200;
	ret->recursion_desired = flags & 0x0100;
	ret->rcode = flags & 0xf;
	ret->questions = read_u16(r);
	for (int i = 0; i < 3; i++)
		ret->counts[i] = read_u16(r);
}

static void read_questions(struct reader *r, struct dns_message *ret)
{
	struct dns_question other;

	for (unsigned i = 0; i < ret->questions && !r->bad; i++) {
		struct dns_question *q = i ? &other : &ret->question;

		read_name(r, q->name);
		q->type = read_u16(r);
		q->klass = read_u16(r);
		if (!i)
			ret->question_end = r->at;
	}
	ret->records_at = r->at;
}

static void read_edns(struct dns_message *m, const struct dns_record *opt)
{
	m->edns = true;
	m->udp_bytes = opt->klass < DNS_UDP_BYTES_MIN ? DNS_UDP_BYTES_MIN : opt->klass;
	m->rcode |= (uint16_t)(opt->ttl >> 24 << 4);
	m->dnssec_ok = opt->ttl & 0x8000;
}

static unsigned record_count(const struct dns_message *m)
{
	return (unsigned)m->counts[0] + m->counts[1] + m->counts[2];
}

int dns_parse(struct span bytes, struct dns_message *ret)
{
	struct reader r = {.bytes = bytes};
	struct dns_record record;

	*ret = (struct dns_message){.bytes = bytes, .udp_bytes = DNS_UDP_BYTES_MIN};
	read_header(&r, ret);
	read_questions(&r, ret);
	for (unsigned i = 0; i < record_count(ret) && !r.bad; i++) {
		read_record(&r, &record);
		if (!r.bad && record.type == DNS_OPT && !ret->edns)
			read_edns(ret, &record);
	}
	return r.bad ? -EBADMSG : 0;
}

static enum dns_section section_of(const struct dns_message *m, unsigned index)
{
	if (index < m->counts[DNS_ANSWER])
		return DNS_ANSWER;
	index -= m->counts[DNS_ANSWER];
	return index < m->counts[DNS_AUTHORITY] ? DNS_AUTHORITY : DNS_ADDITIONAL;
}

bool dns_next(struct dns_walk *w, struct dns_record *ret)
{
	struct reader r = {w->message->bytes, w->index ? w->at : w->message->records_at};

	if (w->index >= record_count(w->message))
		return false;
	read_record(&r, ret);
	ret->section = section_of(w->message, w->index++);
	w->at = r.at;
	return !r.bad;
}

/* The CNAME of `name` among the answers, into it. */
static bool follow_cname(const struct dns_message *m, char name[DNS_NAME_TEXT_MAX])
{
	struct dns_walk w = {.message = m};
	struct dns_record record;

	while (dns_next(&w, &record) && record.section == DNS_ANSWER) {
		if (record.type == DNS_CNAME && record.target[0] &&
			!strcasecmp(record.name, name)) {
			memcpy(name, record.target, DNS_NAME_TEXT_MAX);
			return true;
		}
	}
	return false;
}

static bool read_address(const struct dns_record *record, struct dns_address *ret)
{
	size_t len = record->type == DNS_A ? 4 : 16;

	if (record->klass != DNS_IN || (record->type != DNS_A && record->type != DNS_AAAA) ||
		record->data.len != len)
		return false;
	*ret = (struct dns_address){.family = len == 4 ? AF_INET : AF_INET6, .ttl = record->ttl};
	memcpy(ret->ip, record->data.data, len);
	return true;
}

size_t dns_addresses(const struct dns_message *m, struct dns_address *ret, size_t max,
	char ret_canonical[DNS_NAME_TEXT_MAX])
{
	struct dns_walk w = {.message = m};
	struct dns_record record;
	size_t count = 0;

	memcpy(ret_canonical, m->question.name, DNS_NAME_TEXT_MAX);
	for (int i = 0; i < CNAMES_MAX && follow_cname(m, ret_canonical); i++)
		;
	while (count < max && dns_next(&w, &record) && record.section == DNS_ANSWER) {
		if (!strcasecmp(record.name, ret_canonical) && read_address(&record, &ret[count]))
			count++;
	}
	return count;
}

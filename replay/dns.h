/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_DNS_H
#define REPLAY_DNS_H

#include <stdbool.h>
#include "storage/buffer.h"

/*
 * DNS messages (RFC 1035, EDNS RFC 6891): read what a program's own resolver asked and was told,
 * and answer such a question from recorded addresses. Over TCP each message has a 16-bit length
 * before it, which is the caller's. Pure: no I/O, no globals.
 */

/* A name as text: 255 bytes on the wire, each possibly \DDD, and a NUL. */
#define DNS_NAME_TEXT_MAX 1025
#define DNS_NAME_WIRE_MAX 255
#define DNS_UDP_BYTES_MIN 512 /* without EDNS */
#define DNS_MESSAGE_MAX   65535

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_DNAME = 39,
	DNS_OPT = 41,
	DNS_HTTPS = 65,
	DNS_ANY = 255
};

enum { DNS_IN = 1, DNS_CLASS_ANY = 255 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5
};

/*
 * Names are text without a trailing dot, "." for the root; case is as sent. A dot or backslash in a
 * label has a backslash before it, a byte that is not printable ASCII, or a space, is \DDD.
 */
struct dns_question {
	char name[DNS_NAME_TEXT_MAX];
	uint16_t type, klass; /* enum dns_type and others */
};

/* A message that has been read; `bytes` is borrowed. */
struct dns_message {
	struct span bytes;
	uint16_t id;
	bool response, truncated, recursion_desired;
	uint8_t opcode;
	uint16_t rcode;               /* with EDNS's upper eight bits */
	uint16_t questions;           /* how many; one, from every real resolver */
	struct dns_question question; /* the first, if there is one */
	size_t question_end;          /* where in bytes it ends */
	bool edns, dnssec_ok;
	uint16_t udp_bytes; /* the largest answer its sender takes over UDP, 512 or more */
	size_t records_at;
	uint16_t counts[3]; /* by enum dns_section */
};

/* 0, or -EBADMSG: not a whole DNS message. All its records can be walked. */
int dns_parse(struct span bytes, struct dns_message *ret);

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_record {
	enum dns_section section;
	char name[DNS_NAME_TEXT_MAX];
	uint16_t type, klass;
	uint32_t ttl;                   /* seconds */
	struct span data;               /* as sent: names in it may be compressed */
	char target[DNS_NAME_TEXT_MAX]; /* of CNAME, NS, PTR and DNAME; "" otherwise */
};

/* Begin with {.message = m}. */
struct dns_walk {
	const struct dns_message *message;
	size_t at;
	unsigned index;
};

/* True: *ret is the next record. */
bool dns_next(struct dns_walk *w, struct dns_record *ret);

struct dns_address {
	int family;     /* AF_INET, AF_INET6 */
	uint8_t ip[16]; /* 4 or 16 bytes, network order */
	uint32_t ttl;   /* seconds */
};

/*
 * The addresses an answer gives for its question, at most `max`: A and AAAA records of the name
 * asked for or of what CNAMEs lead to from there, in their order; *ret_canonical: that last name.
 */
size_t dns_addresses(const struct dns_message *m, struct dns_address *ret, size_t max,
	char ret_canonical[DNS_NAME_TEXT_MAX]);

/* Text to wire form: its length, or -EINVAL: not a name. A trailing dot is accepted. */
int dns_encode_name(const char *name, uint8_t ret[DNS_NAME_WIRE_MAX]);

struct dns_answer {
	uint16_t rcode; /* enum dns_rcode */
	/* Of both families: only those of the type asked for are given, none is "no data". */
	const struct dns_address *addresses;
	size_t count;
	const char *canonical; /* "" or NULL: the name asked for */
};

/*
 * Appends the answer to a query: its id, question and EDNS, and `a`. What does not fit (over UDP
 * into what the query's sender takes) is left out and TC is set. 0, -EINVAL: not a query with one
 * question, or a canonical name that is none; -E2BIG or -ENOMEM from `out`.
 */
int dns_answer(
	const struct dns_message *query, const struct dns_answer *a, bool udp, struct buffer *out);

/*
 * Appends a recorded answer as one to `query`: its id, its spelling of the name and an EDNS record
 * as the query wants it, instead of those of the question it was given to. Records past `limit`
 * bytes are left out. TC is set only where the recorded answer had it and no record. 0; -EINVAL:
 * not a query and an answer with one question each, or `limit` holds no question; -E2BIG or -ENOMEM
 * from `out`.
 */
int dns_adapt(const struct dns_message *query, const struct dns_message *recorded, size_t limit,
	struct buffer *out);

#endif

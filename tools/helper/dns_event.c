/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/dns_event.h"

#include <netdb.h>
#include <string.h>

int dns_event_result(const struct dns_message *m)
{
	switch (m->rcode) {
	case DNS_NOERROR:
		return m->counts[DNS_ANSWER] ? 0 : NO_DATA;
	case DNS_NXDOMAIN:
		return HOST_NOT_FOUND;
	case DNS_SERVFAIL:
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

enum dns_rcode dns_event_rcode(int result)
{
	switch (result) {
	case 0:
	case NO_DATA:
		return DNS_NOERROR;
	case HOST_NOT_FOUND:
		return DNS_NXDOMAIN;
	case TRY_AGAIN:
		return DNS_SERVFAIL;
	default:
		return DNS_REFUSED;
	}
}

void dns_event_fill(
	struct trace_event *e, const struct dns_message *m, char canonical[DNS_NAME_TEXT_MAX])
{
	struct dns_address addresses[EVENT_ADDRESSES_MAX];
	size_t count = dns_addresses(m, addresses, EVENT_ADDRESSES_MAX, canonical);

	e->type = EVENT_RESOLVE;
	e->resolve.call = span_of(DNS_EVENT_CALL);
	e->resolve.node = span_of(m->question.name);
	e->resolve.flags = m->question.klass;
	e->resolve.protocol = m->question.type;
	e->resolve.result = dns_event_result(m);
	e->resolve.answer = m->bytes;
	if (strcmp(canonical, m->question.name) != 0)
		e->resolve.canonical = span_of(canonical);
	for (size_t i = 0; i < count; i++) {
		struct event_address *to = &e->resolve.addresses[i];

		to->family = addresses[i].family;
		memcpy(to->ip, addresses[i].ip, sizeof(to->ip));
	}
	e->resolve.count = (uint32_t)count;
}

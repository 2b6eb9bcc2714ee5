/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_DNS_EVENT_H
#define HELPER_DNS_EVENT_H

#include "replay/dns.h"
#include "storage/event.h"

/* DNS messages as RESOLVE events (FORMAT.md, call "dns"). */
#define DNS_EVENT_CALL "dns"

/* What libc's resolver would make of an answer: 0 or an h_errno. And the other way about, for an
 * answer that is not there. */
int dns_event_result(const struct dns_message *m);
enum dns_rcode dns_event_rcode(int result);

/* The event of an answer; its spans are the message's, and `canonical`'s. */
void dns_event_fill(
	struct trace_event *e, const struct dns_message *m, char canonical[DNS_NAME_TEXT_MAX]);

#endif

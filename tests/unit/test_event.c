/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/event.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include "tests/unit/sample_events.h"

static int unpack(const void *data, size_t len, struct trace_event *ret)
{
	size_t pos = 0;
	int r = event_unpack(data, len, &pos, ret);

	if (r == 1)
		cr_assert_eq(pos, len);
	else
		cr_assert_eq(pos, 0, "a failed read must not move");
	return r;
}

#define UNPACK(literal, ret) unpack(literal, sizeof(literal) - 1, ret)

Test(event, every_type_survives_the_round_trip)
{
	for (uint32_t type = 1; type < EVENT_TYPE_MAX; type++) {
		struct trace_event e = sample_event(type), back;
		struct buffer b = BUFFER(1 << 20);

		cr_assert_eq(event_pack(&b, &e), 0);
		cr_assert_eq(unpack(b.data, b.len, &back), 1, "type %u", type);
		cr_assert_eq(back.type, type);
		cr_assert_eq(back.time_ns, e.time_ns);
		cr_assert_eq(back.pid, e.pid);
		cr_assert_eq(back.tid, e.tid);
		cr_assert_eq(back.channel, e.channel);
		cr_assert(same_event(&e, &back), "type %u", type);
		buffer_free(&b);
	}
}

/* same_event() trusts the table; this does not. */
Test(event, fields_land_where_they_belong)
{
	struct trace_event e = sample_event(EVENT_RESOLVE), back;
	struct buffer b = BUFFER(1 << 20);

	event_pack(&b, &e);
	unpack(b.data, b.len, &back);
	cr_assert(span_equal(back.resolve.node, SPAN_LITERAL("example.org")));
	cr_assert_eq(back.resolve.service.len, 0);
	cr_assert_eq(back.resolve.flags, 0x40);
	cr_assert_eq(back.resolve.result, -11);
	cr_assert_eq(back.resolve.error, 110);
	cr_assert_eq(back.resolve.count, EVENT_ADDRESSES_MAX);
	cr_assert_arr_eq(back.resolve.addresses[31].ip, e.resolve.addresses[31].ip, 16);
	cr_assert_eq(back.resolve.addresses[31].port, 65535);
	cr_assert(span_equal(back.resolve.answer, e.resolve.answer));
	buffer_reset(&b);
	e = sample_event(EVENT_DATA);
	event_pack(&b, &e);
	unpack(b.data, b.len, &back);
	cr_assert(back.data.bytes.data > b.data && back.data.bytes.data < b.data + b.len);
	cr_assert_eq(back.data.direction, EVENT_IN);
	cr_assert(span_equal(back.data.bytes, e.data.bytes));
	buffer_free(&b);
}

Test(event, every_prefix_is_malformed_and_stays_in_bounds)
{
	for (uint32_t type = 1; type < EVENT_TYPE_MAX; type++) {
		struct trace_event e = sample_event(type), back;
		struct buffer b = BUFFER(1 << 20);

		event_pack(&b, &e);
		for (size_t len = 1; len < b.len; len++) {
			uint8_t *exact = malloc(len);

			memcpy(exact, b.data, len);
			cr_assert_eq(unpack(exact, len, &back), -EBADMSG);
			free(exact);
		}
		cr_assert_eq(unpack(b.data, 0, &back), 0);
		buffer_free(&b);
	}
}

Test(event, newer_writers_are_understood)
{
	struct trace_event e;

	/* EXIT with a trailing field nobody knows: a map of arrays. */
	cr_assert_eq(UNPACK("\x97\x05\x01\x02\x03\x04\x07\x81\xa1x\x92\xc0\xc7\x01\x05z", &e), 1);
	cr_assert_eq(e.exit.status, 7);
	/* A type nobody knows, with fields. */
	cr_assert_eq(UNPACK("\x97\xcc\xc8\x01\x02\x03\x04\xca\x01\x02\x03\x04\xc3", &e), 1);
	cr_assert_eq(e.type, 200);
	cr_assert_str_eq(event_type_name(e.type), "unknown");
	/* An older EXIT, without its status; nil for a channel. */
	cr_assert_eq(UNPACK("\x95\x05\x01\x02\x03\xc0", &e), 1);
	cr_assert_eq(e.exit.status, 0);
	/* Integers in wider formats than needed. */
	cr_assert_eq(UNPACK("\x96\xcd\x00\x05\xd3\x00\x00\x00\x00\x00\x00\x00\x09\x02\x03\x04\xd1"
			    "\xff\xfe",
			     &e),
		1);
	cr_assert_eq(e.time_ns, 9);
	cr_assert_eq(e.exit.status, -2);
}

Test(event, hostile_bytes_are_refused)
{
	struct trace_event e;

	cr_assert_eq(UNPACK("\xc0", &e), -EBADMSG);
	cr_assert_eq(UNPACK("\x94\x05\x01\x02\x03", &e), -EBADMSG);
	cr_assert_eq(UNPACK("\xdd\xff\xff\xff\xff\x05\x01\x02\x03\x04", &e), -EBADMSG);
	cr_assert_eq(UNPACK("\x96\x05\xff\x02\x03\x04\x00", &e), -EBADMSG, "negative time");
	cr_assert_eq(UNPACK("\x96\x05\x01\xcf\x01\x00\x00\x00\x00\x00\x00\x00\x03\x04\x00", &e),
		-EBADMSG, "a pid of 65 bits");
	cr_assert_eq(UNPACK("\x97\x0a\x01\x02\x03\x04\x02\xc4\x00", &e), -EBADMSG, "direction 2");
	cr_assert_eq(UNPACK("\x97\x0a\x01\x02\x03\x04\x01\xc6\xff\xff\xff\xff", &e), -EBADMSG);
	cr_assert_eq(UNPACK("\x96\x05\x01\x02\x03\x04\xa1x", &e), -EBADMSG, "text for a number");
	/* A map that says it has four billion pairs, as a trailing field. */
	cr_assert_eq(UNPACK("\x97\x05\x01\x02\x03\x04\x00\xdf\xff\xff\xff\xff", &e), -EBADMSG);
	cr_assert_eq(UNPACK("\x97\x05\x01\x02\x03\x04\x00\xc1", &e), -EBADMSG, "never used");
}

Test(event, deep_nesting_needs_no_stack)
{
	size_t len = 1 << 20;
	uint8_t *deep = malloc(len);
	struct trace_event e;

	memset(deep, 0x91, len);
	memcpy(deep, "\x97\x05\x01\x02\x03\x04\x00", 7);
	cr_assert_eq(unpack(deep, len, &e), -EBADMSG);
	deep[len - 1] = 0x00;
	cr_assert_eq(unpack(deep, len, &e), 1);
	free(deep);
}

Test(event, too_many_addresses_are_cut_to_those_that_fit)
{
	struct trace_event e = sample_event(EVENT_RESOLVE), back;
	struct buffer b = BUFFER(1 << 20);
	uint8_t *count;

	e.resolve.addresses[0].ip[0] = 0xee;
	event_pack(&b, &e);
	count = memmem(b.data, b.len, "\xdc\x00\x20", 3);
	cr_assert_not_null(count);
	count[2] = 34;
	buffer_append(&b, "\xc0\xc0", 2);
	cr_assert_eq(unpack(b.data, b.len, &back), 1);
	cr_assert_eq(back.resolve.count, EVENT_ADDRESSES_MAX);
	buffer_free(&b);
}

Test(event, packing_is_all_or_nothing)
{
	struct trace_event e = sample_event(EVENT_DATA);
	struct buffer b = BUFFER(40);

	cr_assert_eq(buffer_append(&b, "abc", 3), 0);
	cr_assert_eq(event_pack(&b, &e), -E2BIG);
	cr_assert_eq(b.len, 3);
	e.type = 0;
	cr_assert_eq(event_pack(&b, &e), -EINVAL);
	e.type = EVENT_TYPE_MAX;
	cr_assert_eq(event_pack(&b, &e), -EINVAL);
	buffer_free(&b);
}

Test(event, names)
{
	cr_assert_str_eq(event_type_name(EVENT_DATA), "io.network.data");
	cr_assert_str_eq(event_type_name(0), "unknown");
	cr_assert_str_eq(event_type_name(UINT32_MAX), "unknown");
	cr_assert_str_eq(event_capture_name(EVENT_CAPTURE_TAPPED), "tapped");
	cr_assert_str_eq(event_capture_name(UINT32_MAX), "unknown");
}

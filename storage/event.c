/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/event.h"

#include <errno.h>
#include <msgpack/pack.h>
#include <string.h>
#include <sys/socket.h>
#include "storage/unpack.h"

/*
 * Packing and reading both walk one table: the fields of each type in the order they have on disk.
 * A field is added at the end of its row, never removed and never moved.
 */
enum field_kind {
	FIELD_NONE,
	FIELD_U32,
	FIELD_U64,
	FIELD_I32,
	FIELD_DIRECTION, /* a uint32_t used as an index: nothing but 0 and 1 is let in */
	FIELD_TEXT,      /* ours: ASCII, packed as str */
	FIELD_BYTES,     /* the program's: any bytes, packed as bin */
	FIELD_ADDRESSES,
};

struct field {
	uint16_t kind;
	uint16_t offset;
};

#define FIELDS_MAX 12
#define COMMON     5 /* type, time, pid, tid, channel */
#define F(kind, member)                                                                            \
	{                                                                                          \
		FIELD_##kind, offsetof(struct trace_event, member)                                 \
	}

static const struct field schema[EVENT_TYPE_MAX][FIELDS_MAX + 1] = {
	[EVENT_START] = {F(U64, start.wall_ns), F(TEXT, start.id)},
	[EVENT_STOP] = {F(TEXT, stop.reason)},
	[EVENT_PROCESS] = {F(U32, process.parent), F(U32, process.capture), F(BYTES, process.exe),
		F(BYTES, process.argv)},
	[EVENT_EXEC] = {F(U32, process.parent), F(U32, process.capture), F(BYTES, process.exe),
		F(BYTES, process.argv)},
	[EVENT_EXIT] = {F(I32, exit.status)},
	[EVENT_RESOLVE] = {F(TEXT, resolve.call), F(BYTES, resolve.node), F(BYTES, resolve.service),
		F(I32, resolve.flags), F(I32, resolve.family), F(I32, resolve.socktype),
		F(I32, resolve.protocol), F(I32, resolve.result), F(I32, resolve.error),
		F(BYTES, resolve.canonical), F(ADDRESSES, resolve.addresses),
		F(BYTES, resolve.answer)},
	[EVENT_CONNECT] = {F(TEXT, connect.address), F(I32, connect.fd), F(I32, connect.error),
		F(U32, connect.internal), F(U64, connect.socket)},
	[EVENT_CONNECTED] = {F(I32, connected.error)},
	[EVENT_TLS] = {F(BYTES, tls.sni), F(BYTES, tls.alpn), F(TEXT, tls.version),
		F(BYTES, tls.random)},
	[EVENT_DATA] = {F(DIRECTION, data.direction), F(BYTES, data.bytes)},
	[EVENT_END] = {F(DIRECTION, end.direction), F(U32, end.kind), F(I32, end.error)},
	[EVENT_LISTEN] = {F(TEXT, connect.address), F(I32, connect.fd), F(I32, connect.error),
		F(U32, connect.internal), F(U64, connect.socket)},
	[EVENT_GAP] = {F(U64, gap.records), F(U64, gap.bytes), F(TEXT, gap.reason)},
	[EVENT_STREAM] = {F(U64, stream.parent), F(U64, stream.id), F(TEXT, stream.protocol)},
	[EVENT_ROUTE] = {F(TEXT, route.way), F(TEXT, route.reason), F(TEXT, route.address),
		F(BYTES, route.alpn), F(U64, route.socket)},
	[EVENT_MESSAGE] = {F(DIRECTION, message.direction), F(U32, message.opcode),
		F(BYTES, message.bytes)},
	[EVENT_ORIGIN] = {F(TEXT, origin.kind), F(BYTES, origin.value)},
	[EVENT_CHECKPOINT] = {F(BYTES, checkpoint.label), F(BYTES, checkpoint.metadata)},
};

const char *event_type_name(uint32_t type)
{
	static const char *const names[EVENT_TYPE_MAX] = {
#define EVENT(code, name, json) [code] = json,
		EVENT_TYPES(EVENT)
#undef EVENT
	};

	return type < EVENT_TYPE_MAX && names[type] ? names[type] : "unknown";
}

const char *event_capture_name(uint32_t capture)
{
	static const char *const names[] = {
#define C(name, text) text,
		EVENT_CAPTURES(C)
#undef C
	};

	return capture < EVENT_CAPTURE_MAX ? names[capture] : "unknown";
}

static const struct field *fields_of(uint32_t type)
{
	static const struct field none[1];

	return type < EVENT_TYPE_MAX ? schema[type] : none;
}

static int append(void *out, const char *data, size_t len)
{
	return buffer_append(out, data, len);
}

static int pack_bytes(msgpack_packer *pk, struct span s)
{
	int r = msgpack_pack_bin(pk, s.len);

	return r < 0 ? r : msgpack_pack_bin_body(pk, s.data, s.len);
}

static int pack_text(msgpack_packer *pk, struct span s)
{
	int r = msgpack_pack_str(pk, s.len);

	return r < 0 ? r : msgpack_pack_str_body(pk, s.data, s.len);
}

#define ADDRESS_FIELDS 6

static int pack_address(msgpack_packer *pk, const struct event_address *a)
{
	struct span ip = {a->ip, a->family == AF_INET ? 4 : 16};
	int r = msgpack_pack_array(pk, ADDRESS_FIELDS);

	if (r == 0)
		r = msgpack_pack_int32(pk, a->family);
	if (r == 0)
		r = msgpack_pack_int32(pk, a->socktype);
	if (r == 0)
		r = msgpack_pack_int32(pk, a->protocol);
	if (r == 0)
		r = msgpack_pack_uint16(pk, a->port);
	if (r == 0)
		r = pack_bytes(pk, ip);
	return r < 0 ? r : msgpack_pack_uint32(pk, a->scope);
}

static int pack_addresses(msgpack_packer *pk, const struct trace_event *e)
{
	uint32_t count = e->resolve.count, i;
	int r;

	if (count > EVENT_ADDRESSES_MAX)
		count = EVENT_ADDRESSES_MAX;
	r = msgpack_pack_array(pk, count);
	for (i = 0; i < count && r == 0; i++)
		r = pack_address(pk, &e->resolve.addresses[i]);
	return r;
}

static int pack_field(msgpack_packer *pk, const struct trace_event *e, struct field f)
{
	const void *at = (const char *)e + f.offset;

	switch (f.kind) {
	case FIELD_U64:
		return msgpack_pack_uint64(pk, *(const uint64_t *)at);
	case FIELD_U32:
	case FIELD_DIRECTION:
		return msgpack_pack_uint32(pk, *(const uint32_t *)at);
	case FIELD_I32:
		return msgpack_pack_int32(pk, *(const int32_t *)at);
	case FIELD_TEXT:
		return pack_text(pk, *(const struct span *)at);
	case FIELD_BYTES:
		return pack_bytes(pk, *(const struct span *)at);
	default:
		return pack_addresses(pk, e);
	}
}

static int pack_common(msgpack_packer *pk, const struct trace_event *e, size_t fields)
{
	int r = msgpack_pack_array(pk, COMMON + fields);

	if (r == 0)
		r = msgpack_pack_uint32(pk, e->type);
	if (r == 0)
		r = msgpack_pack_uint64(pk, e->time_ns);
	if (r == 0)
		r = msgpack_pack_uint32(pk, e->pid);
	if (r == 0)
		r = msgpack_pack_uint32(pk, e->tid);
	return r < 0 ? r : msgpack_pack_uint64(pk, e->channel);
}

int event_pack(struct buffer *out, const struct trace_event *e)
{
	const struct field *fields = fields_of(e->type);
	size_t start = out->len, count = 0, i;
	msgpack_packer pk;
	int r;

	if (e->type == 0 || e->type >= EVENT_TYPE_MAX)
		return -EINVAL;
	while (fields[count].kind)
		count++;
	msgpack_packer_init(&pk, out, append);
	r = pack_common(&pk, e, count);
	for (i = 0; i < count && r == 0; i++)
		r = pack_field(&pk, e, fields[i]);
	if (r < 0)
		out->len = start;
	return r;
}

static void unpack_address(struct unpack *u, struct event_address *ret)
{
	uint32_t count = unpack_array(u);
	struct span ip;

	if (count < ADDRESS_FIELDS) {
		u->bad = true;
		return;
	}
	ret->family = unpack_int32(u);
	ret->socktype = unpack_int32(u);
	ret->protocol = unpack_int32(u);
	ret->port = (uint16_t)unpack_unsigned(u, UINT16_MAX);
	ip = unpack_span(u);
	if (ip.len > sizeof(ret->ip))
		u->bad = true;
	else if (ip.len)
		memcpy(ret->ip, ip.data, ip.len);
	ret->scope = (uint32_t)unpack_unsigned(u, UINT32_MAX);
	for (count -= ADDRESS_FIELDS; count && !u->bad; count--)
		unpack_skip(u);
}

static void unpack_addresses(struct unpack *u, struct trace_event *ret)
{
	uint32_t count = unpack_array(u);

	for (; count && !u->bad; count--) {
		if (ret->resolve.count < EVENT_ADDRESSES_MAX)
			unpack_address(u, &ret->resolve.addresses[ret->resolve.count++]);
		else
			unpack_skip(u);
	}
}

static void unpack_field(struct unpack *u, struct trace_event *ret, struct field f)
{
	void *at = (char *)ret + f.offset;

	switch (f.kind) {
	case FIELD_U64:
		*(uint64_t *)at = unpack_unsigned(u, UINT64_MAX);
		break;
	case FIELD_U32:
		*(uint32_t *)at = (uint32_t)unpack_unsigned(u, UINT32_MAX);
		break;
	case FIELD_DIRECTION:
		*(uint32_t *)at = (uint32_t)unpack_unsigned(u, EVENT_IN);
		break;
	case FIELD_I32:
		*(int32_t *)at = unpack_int32(u);
		break;
	case FIELD_TEXT:
	case FIELD_BYTES:
		*(struct span *)at = unpack_span(u);
		break;
	default:
		unpack_addresses(u, ret);
	}
}

static void unpack_common(struct unpack *u, struct trace_event *ret)
{
	ret->type = (uint32_t)unpack_unsigned(u, UINT32_MAX);
	ret->time_ns = unpack_unsigned(u, UINT64_MAX);
	ret->pid = (uint32_t)unpack_unsigned(u, UINT32_MAX);
	ret->tid = (uint32_t)unpack_unsigned(u, UINT32_MAX);
	ret->channel = unpack_unsigned(u, UINT64_MAX);
}

int event_unpack(const uint8_t *data, size_t len, size_t *pos, struct trace_event *ret)
{
	struct unpack u = {data, len, *pos, false};
	const struct field *f;
	uint32_t left;

	if (*pos >= len)
		return *pos == len ? 0 : -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	left = unpack_array(&u);
	if (u.bad || left < COMMON)
		return -EBADMSG;
	unpack_common(&u, ret);
	/* An older writer's event may have fewer fields than the table, a newer one's more. */
	for (left -= COMMON, f = fields_of(ret->type); left && f->kind && !u.bad; left--, f++)
		unpack_field(&u, ret, *f);
	for (; left && !u.bad; left--)
		unpack_skip(&u);
	if (u.bad)
		return -EBADMSG;
	*pos = u.pos;
	return 1;
}

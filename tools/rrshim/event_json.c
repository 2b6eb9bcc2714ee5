/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/event_view.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "tools/rrshim/output.h"

const char *event_view_errno(int error)
{
	static char number[16];
	const char *name = error ? strerrorname_np(error) : "";

	if (name)
		return name;
	snprintf(number, sizeof(number), "%d", error);
	return number;
}

const char *event_view_end(uint32_t kind)
{
	static const char *const names[] = {"fin", "close_notify", "error", "shutdown"};

	return kind < EVENT_END_MAX ? names[kind] : "unknown";
}

static void set_text(json_t *json, const char *key, struct span text)
{
	json_object_set_new(json, key, output_json_text(text));
}

/* What claims to be JSON and is not is text. */
static void set_json(json_t *json, const char *key, struct span text)
{
	json_t *value = text.len ? json_loadb((const char *)text.data, text.len,
					   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
				 : json_null();

	json_object_set_new(json, key, value ? value : output_json_text(text));
}

static void set_number(json_t *json, const char *key, int64_t number)
{
	json_object_set_new(json, key, json_integer(number));
}

/* 0 as null: nothing failed. */
static void set_error(json_t *json, int error)
{
	json_object_set_new(
		json, "error", error ? json_string(event_view_errno(error)) : json_null());
}

static void set_direction(json_t *json, uint32_t direction)
{
	json_object_set_new(json, "direction", json_string(direction == EVENT_OUT ? "out" : "in"));
}

static void add_process(json_t *json, const struct trace_event *e)
{
	const uint8_t *at = e->process.argv.data, *end = at + e->process.argv.len;
	json_t *words = json_array();

	while (at < end) {
		const uint8_t *nul = memchr(at, 0, (size_t)(end - at));
		const uint8_t *stop = nul ? nul : end;

		json_array_append_new(
			words, output_json_text((struct span){at, (size_t)(stop - at)}));
		at = stop + 1;
	}
	set_number(json, "parent", e->process.parent);
	json_object_set_new(json, "capture", json_string(event_capture_name(e->process.capture)));
	set_text(json, "exe", e->process.exe);
	json_object_set_new(json, "argv", words);
}

static void add_exit(json_t *json, int status)
{
	if (status == -1)
		json_object_set_new(json, "exit_code", json_null());
	else if (WIFSIGNALED(status))
		set_number(json, "signal", WTERMSIG(status));
	else
		set_number(json, "exit_code", WEXITSTATUS(status));
}

static json_t *address_json(const struct event_address *a)
{
	char ip[INET6_ADDRSTRLEN] = "";

	inet_ntop(a->family == AF_INET6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip));
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:I}", "ip", ip, "port", (int)a->port, "family",
		a->family, "socktype", a->socktype, "protocol", a->protocol, "scope",
		(json_int_t)a->scope);
}

static void add_resolve(json_t *json, const struct trace_event *e, bool payload)
{
	json_t *addresses = json_array();

	for (uint32_t i = 0; i < e->resolve.count && i < EVENT_ADDRESSES_MAX; i++)
		json_array_append_new(addresses, address_json(&e->resolve.addresses[i]));
	set_text(json, "call", e->resolve.call);
	set_text(json, "node", e->resolve.node);
	set_text(json, "service", e->resolve.service);
	set_number(json, "flags", e->resolve.flags);
	set_number(json, "family", e->resolve.family);
	set_number(json, "socktype", e->resolve.socktype);
	set_number(json, "protocol", e->resolve.protocol);
	set_number(json, "result", e->resolve.result);
	set_error(json, e->resolve.error);
	set_text(json, "canonical", e->resolve.canonical);
	json_object_set_new(json, "addresses", addresses);
	if (!e->resolve.answer.len)
		return;
	set_number(json, "answer_bytes", (int64_t)e->resolve.answer.len);
	if (payload)
		json_object_set_new(json, "answer_base64", output_json_base64(e->resolve.answer));
}

static void add_payload(json_t *json, uint32_t direction, struct span bytes, bool payload)
{
	set_direction(json, direction);
	set_number(json, "bytes", (int64_t)bytes.len);
	if (!payload)
		return;
	if (output_is_text(bytes))
		set_text(json, "text", bytes);
	else
		json_object_set_new(json, "base64", output_json_base64(bytes));
}

static void add_fields(json_t *json, const struct trace_event *e, uint64_t wall_ns, bool payload)
{
	char wall[OUTPUT_TEXT_MAX + 8];

	switch (e->type) {
	case EVENT_START:
		json_object_set_new(json, "wall", json_string(output_rfc3339(wall, wall_ns)));
		set_text(json, "id", e->start.id);
		break;
	case EVENT_STOP:
		set_text(json, "reason", e->stop.reason);
		break;
	case EVENT_PROCESS:
	case EVENT_EXEC:
		add_process(json, e);
		break;
	case EVENT_EXIT:
		add_exit(json, e->exit.status);
		break;
	case EVENT_RESOLVE:
		add_resolve(json, e, payload);
		break;
	case EVENT_CONNECT:
	case EVENT_LISTEN:
		set_text(json, "address", e->connect.address);
		set_number(json, "fd", e->connect.fd);
		set_error(json, e->connect.error);
		json_object_set_new(json, "internal", json_boolean(e->connect.internal));
		break;
	case EVENT_CONNECTED:
		set_error(json, e->connected.error);
		break;
	case EVENT_TLS:
		set_text(json, "sni", e->tls.sni);
		set_text(json, "alpn", e->tls.alpn);
		set_text(json, "version", e->tls.version);
		break;
	case EVENT_DATA:
		add_payload(json, e->data.direction, e->data.bytes, payload);
		break;
	case EVENT_END:
		set_direction(json, e->end.direction);
		json_object_set_new(json, "kind", json_string(event_view_end(e->end.kind)));
		set_error(json, e->end.error);
		break;
	case EVENT_GAP:
		set_number(json, "records", (int64_t)e->gap.records);
		set_number(json, "bytes", (int64_t)e->gap.bytes);
		set_text(json, "reason", e->gap.reason);
		break;
	case EVENT_STREAM:
		set_number(json, "parent", (int64_t)e->stream.parent);
		set_number(json, "id", (int64_t)e->stream.id);
		set_text(json, "protocol", e->stream.protocol);
		break;
	case EVENT_ROUTE:
		set_text(json, "way", e->route.way);
		set_text(json, "reason", e->route.reason);
		set_text(json, "address", e->route.address);
		set_text(json, "alpn", e->route.alpn);
		break;
	case EVENT_MESSAGE:
		set_number(json, "opcode", e->message.opcode);
		add_payload(json, e->message.direction, e->message.bytes, payload);
		break;
	case EVENT_ORIGIN:
		set_text(json, "kind", e->origin.kind);
		set_text(json, "value", e->origin.value);
		break;
	case EVENT_CHECKPOINT:
		set_text(json, "label", e->checkpoint.label);
		set_json(json, "metadata", e->checkpoint.metadata);
		break;
	default:
		break;
	}
}

json_t *event_view_json(const struct trace_event *e, uint64_t wall_ns, bool payload)
{
	char time[OUTPUT_TEXT_MAX + 8];
	json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I}", "seq", (json_int_t)e->seq,
		"time_ns", (json_int_t)e->time_ns, "time",
		output_rfc3339(time, wall_ns + e->time_ns), "type", event_type_name(e->type), "pid",
		(json_int_t)e->pid, "tid", (json_int_t)e->tid, "channel", (json_int_t)e->channel);

	add_fields(json, e, wall_ns, payload);
	return json;
}

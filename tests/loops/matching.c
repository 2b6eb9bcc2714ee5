/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matching write FOLDER COUNT BYTES: writes a recording of COUNT chat calls over plain HTTP, each
 * with a prompt of BYTES, half of it the same in all, and prints its path.
 * matching time RECORDING COUNT BYTES: prints "WHAT NS" lines, of
 * processor time: per recorded call to load it, then
 * per request for those that are the recorded ones to the byte ("exact"), those with another
 * id ("normalised"), and those with another word ("miss").
 * matching list - COUNT BYTES: prints their bodies, what is sent and what is received, a tab
 * between. matching ask PORT COUNT BYTES [PID]: makes the calls over one connection, and prints how
 * many a second were answered, by wall time and by the processor time of PID (0: of the parent).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "replay/match.h"

#define HOST        "127.0.0.1:9"
#define ADDRESS     "127.0.0.1:9"
#define REQUESTS    300 /* of each kind, at most */
#define REPLY_BYTES 600

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "matching: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- the calls ---- */

enum variant { AS_RECORDED, OTHER_ID, OTHER_WORD };

static void append_words(struct buffer *to, uint32_t seed, size_t bytes)
{
	static const char *const words[] = {"the", "server", "answers", "with", "a", "stream", "of",
		"events", "which", "file", "was", "changed", "by", "commit", "and", "why"};
	size_t end = to->len + bytes;

	while (to->len < end) {
		seed = seed * 1664525 + 1013904223;
		check(buffer_printf(to, "%s%u ", words[seed >> 28], seed >> 16 & 1023), "memory");
	}
}

static void append_body(struct buffer *to, uint32_t i, size_t bytes, enum variant variant)
{
	check(buffer_printf(to, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\""),
		"memory");
	append_words(to, 1, bytes / 2);
	append_words(to, 1000 + i, bytes / 2);
	check(buffer_printf(to,
		      "%s%u\"}],\"request_id\":\"%08x-58cc-4372-a567-0e02b2c3d479\","
		      "\"stream\":false,\"tools\":[{\"name\":\"shell\"}]}",
		      variant == OTHER_WORD ? "changed" : "number ", i,
		      variant == OTHER_ID ? ~i : i),
		"memory");
}

static void append_request(struct buffer *to, uint32_t i, size_t bytes, enum variant variant)
{
	struct buffer body = BUFFER(SIZE_MAX);

	append_body(&body, i, bytes, variant);
	check(buffer_printf(to,
		      "POST /v1/chat/completions HTTP/1.1\r\nHost: " HOST
		      "\r\nContent-Type: application/json\r\nUser-Agent: bench/1\r\n"
		      "Content-Length: %zu\r\n\r\n",
		      body.len),
		"memory");
	check(buffer_append(to, body.data, body.len), "memory");
	buffer_free(&body);
}

static void append_reply_body(struct buffer *to, uint32_t i)
{
	append_words(to, 77 + i, REPLY_BYTES);
}

static void append_reply(struct buffer *to, uint32_t i)
{
	struct buffer body = BUFFER(SIZE_MAX);

	append_reply_body(&body, i);
	check(buffer_printf(to,
		      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		      body.len),
		"memory");
	check(buffer_append(to, body.data, body.len), "memory");
	buffer_free(&body);
}

/* ---- writing ---- */

static void append_data(
	struct recording_writer *w, enum event_direction d, const struct buffer *bytes, uint64_t ns)
{
	for (size_t at = 0; at < bytes->len; at += 65536) {
		struct trace_event e = {.type = EVENT_DATA,
			.channel = 1,
			.time_ns = ns,
			.pid = 7,
			.tid = 7,
			.data.direction = d};
		size_t left = bytes->len - at;

		e.data.bytes = (struct span){bytes->data + at, left < 65536 ? left : 65536};
		check(recording_append(w, &e), "appending");
	}
}

static int write_recording(const char *folder, uint32_t count, size_t bytes)
{
	struct recording_options options = {.compression = 1, .wall_ns = 1700000000000000000};
	struct trace_event e = {
		.type = EVENT_CONNECT, .channel = 1, .time_ns = 1, .pid = 7, .tid = 7};
	struct buffer text = BUFFER(SIZE_MAX);
	struct recording_writer *w;

	check(recording_writer_create(folder, &options, &w), folder);
	e.connect.address = SPAN_LITERAL(ADDRESS);
	e.connect.fd = 5;
	check(recording_append(w, &e), "appending");
	for (uint32_t i = 0; i < count; i++) {
		buffer_reset(&text);
		append_request(&text, i, bytes, AS_RECORDED);
		append_data(w, EVENT_OUT, &text, 1000000ull * (2 * i + 1));
		buffer_reset(&text);
		append_reply(&text, i);
		append_data(w, EVENT_IN, &text, 1000000ull * (2 * i + 2));
	}
	puts(recording_writer_path(w));
	buffer_free(&text);
	check(recording_writer_close(w), "closing");
	return 0;
}

static int list(uint32_t count, size_t bytes)
{
	struct buffer line = BUFFER(SIZE_MAX);

	for (uint32_t i = 0; i < count; i++) {
		buffer_reset(&line);
		append_body(&line, i, bytes, AS_RECORDED);
		check(buffer_append(&line, "\t", 1), "memory");
		append_reply_body(&line, i);
		printf("%.*s\n", (int)line.len, (const char *)line.data);
	}
	buffer_free(&line);
	return 0;
}

/* ---- timing the matcher ---- */

static void ask(struct matcher *m, uint32_t i, size_t bytes, enum variant variant,
	enum match_outcome expected)
{
	static struct http1_head head;
	struct buffer text = BUFFER(SIZE_MAX);
	struct canon_input in = {
		.scheme = SPAN_LITERAL("http"), .authority = SPAN_LITERAL(HOST), .head = &head};
	struct match match;

	append_request(&text, i, bytes, variant);
	check(http1_parse_head(HTTP1_REQUEST, (struct span){text.data, text.len}, &head), "head");
	in.body = (struct span){text.data + head.raw.len, text.len - head.raw.len};
	check(match_next(m, &in, &match), "matching");
	if (match.outcome != expected) {
		fprintf(stderr, "matching: request %u is %s\n", i,
			match_outcome_name(match.outcome));
		exit(1);
	}
	if (match.nearest && match.nearest->number != i + 1)
		fprintf(stderr, "matching: request %u is nearest to call %lu\n", i,
			(unsigned long)match.nearest->number);
	json_decref(match.explanation);
	buffer_free(&text);
}

/* What it costs to make the requests is no part of it. */
static uint64_t cost_of_making(uint32_t requests, uint32_t step, size_t bytes)
{
	struct buffer text = BUFFER(SIZE_MAX);
	uint64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 0; i < requests; i++) {
		buffer_reset(&text);
		append_request(&text, i * step, bytes, AS_RECORDED);
	}
	buffer_free(&text);
	return now_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static void time_kind(struct matcher *m, const char *name, uint32_t count, uint32_t skip,
	size_t bytes, enum variant variant, enum match_outcome expected)
{
	uint32_t requests = count / 3 < REQUESTS ? count / 3 : REQUESTS;
	uint32_t step = count / (requests + 1);
	uint64_t making, start;

	requests = variant == OTHER_WORD && requests > 50 ? 50 : requests;
	making = cost_of_making(requests, step, bytes);
	start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 0; i < requests; i++)
		ask(m, i * step + skip, bytes, variant, expected);
	printf("%s %.0f\n", name,
		((double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) - (double)making) / requests);
}

static int time_matching(const char *path, uint32_t count, size_t bytes)
{
	struct recording *recording;
	struct tape *tape;
	struct matcher *m;
	size_t before;
	uint64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	check(recording_open(path, &recording), path);
	check(tape_load(recording, &tape), "loading");
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	check(matcher_new(tape, NULL, &m), "loading");
	printf("load %.0f\n", (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / count);
	printf("bytes %.0f\n",
		(double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / count);
	ask(m, 2, bytes, OTHER_WORD, MATCH_DIFFERENT); /* puts the index in order */
	time_kind(m, "exact", count, 0, bytes, AS_RECORDED, MATCH_EXACT);
	time_kind(m, "normalised", count, 1, bytes, OTHER_ID, MATCH_NORMALISED);
	time_kind(m, "miss", count, 2, bytes, OTHER_WORD, MATCH_DIFFERENT);
	matcher_free(m);
	tape_free(tape);
	recording_close(recording);
	return 0;
}

/* ---- asking ---- */

static uint64_t cpu_ns(long pid)
{
	unsigned long user, system;
	char path[64], text[1024], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f))
		check(-ESRCH, path);
	fclose(f);
	end = strrchr(text, ')');
	if (!end ||
		sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&system) != 2)
		check(-EPROTO, path);
	return (user + system) * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int connect_port(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		check(-errno, "connecting");
	return fd;
}

/* The reply is read whole: its length is known by its Content-Length alone. */
static void call(int fd, const struct buffer *request)
{
	static char reply[1 << 16];
	size_t sent = 0, got = 0, length = SIZE_MAX;
	const char *body, *field;

	while (sent < request->len) {
		ssize_t n = write(fd, request->data + sent, request->len - sent);
		check(n < 0 ? -errno : 0, "sending");
		sent += (size_t)n;
	}
	while (got < length && got < sizeof(reply) - 1) {
		ssize_t n = read(fd, reply + got, sizeof(reply) - 1 - got);
		check(n < 0 ? -errno : n ? 0 : -ECONNRESET, "receiving");
		got += (size_t)n;
		reply[got] = '\0';
		body = strstr(reply, "\r\n\r\n");
		field = strcasestr(reply, "content-length:");
		if (body && field)
			length = (size_t)(body + 4 - reply) + strtoul(field + 15, NULL, 10);
	}
	check(strncmp(reply, "HTTP/1.1 200", 12) ? -EBADMSG : 0, reply);
}

static int ask_all(uint16_t port, uint32_t count, size_t bytes, long pid)
{
	struct buffer *requests = calloc(count, sizeof(*requests));
	uint64_t start, cpu;
	int fd;

	for (uint32_t i = 0; i < count; i++) {
		requests[i] = BUFFER(SIZE_MAX);
		append_request(&requests[i], i, bytes, AS_RECORDED);
	}
	fd = connect_port(port);
	start = now_ns(CLOCK_MONOTONIC);
	cpu = cpu_ns(pid);
	for (uint32_t i = 0; i < count; i++)
		call(fd, &requests[i]);
	start = now_ns(CLOCK_MONOTONIC) - start;
	cpu = cpu_ns(pid) - cpu;
	printf("%.0f %.0f\n", count * 1e9 / (double)start, cpu ? count * 1e9 / (double)cpu : 0);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc < 5)
		return fprintf(stderr, "usage: matching write|list|time|ask WHERE COUNT BYTES\n"),
		       2;
	uint32_t count = (uint32_t)atol(argv[3]);
	size_t bytes = (size_t)atol(argv[4]);
	long pid = argc > 5 ? atol(argv[5]) : 0;

	if (!strcmp(argv[1], "write"))
		return write_recording(argv[2], count, bytes);
	if (!strcmp(argv[1], "time"))
		return time_matching(argv[2], count, bytes);
	if (!strcmp(argv[1], "list"))
		return list(count, bytes);
	return ask_all((uint16_t)atoi(argv[2]), count, bytes, pid ? pid : getppid());
}

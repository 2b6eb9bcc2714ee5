/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/tap.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include "shim/entry.h"
#include "shim/origin.h"
#include "shim/real.h"
#include "shim/start.h"
#include "shim/tls_known.h"

/*
 * Safety: entry.c's, the fd table, and at most one system call of our own where a socket ends.
 */

#define IOV_RUNS 8 /* of a datagram; programs use one */

bool tap_traces_slow(int fd)
{
	enum fd_class class;

	if (start_vfork_child || start_state() == START_INERT || start_state() == START_COLD)
		return false;
	SAVE_ERRNO();
	class = fdtab_class(fdtab_learn(fd));
	RESTORE_ERRNO();
	if (unlikely(class == FD_RANDOM)) /* also where there is no session yet */
		return true;
	return (fdtab_is_tapped(class) || (class == FD_DNS && !start_is_replay())) && start_ready();
}

static void note(const struct entry *e, const void *payload, size_t n)
{
	struct iovec run = {(void *)payload, n};

	SAVE_ERRNO();
	entry_append(e, (struct runs){&run, 1}, n);
	RESTORE_ERRNO();
}

void tap_note(uint16_t type, uint64_t cookie, int32_t result, const void *payload, size_t n)
{
	struct entry e = {.type = type, .result = result, .cookie = cookie};

	if (start_vfork_child || !start_ready())
		return;
	e.time_ns = real_now_ns();
	note(&e, payload, n);
}

void tap_note_exec(uint64_t time_ns, int32_t result, const void *payload, size_t n)
{
	struct entry e = {.type = WIRE_EXEC, .result = result, .time_ns = time_ns};

	if (start_is_live())
		note(&e, payload, n);
}

/* ---- a call announced before it is made ---- */

void tap_sending(struct tap *tap, int fd)
{
	enum fd_class class = fdtab_class(fdtab_get(fd));

	tap->intent = NULL;
	if (class == FD_TLS || class == FD_RANDOM)
		return;
	tap->time_ns = real_now_ns();
	if (class == FD_DNS)
		return;
	SAVE_ERRNO();
	start_thread.depth++;
	tap->ring = start_ring();
	if (tap->ring.head)
		tap->intent = ring_reserve(tap->ring, WIRE_INTENT, 0, tap->time_ns);
	if (tap->intent) {
		atomic_store_explicit(&tap->intent->result, WIRE_PENDING, memory_order_relaxed);
		tap->position = ring_commit(tap->ring, tap->intent);
	}
	start_thread.depth--;
	RESTORE_ERRNO();
}

static void settle(struct tap *tap)
{
	if (tap->intent)
		ring_settle(tap->ring, tap->intent, tap->position, 0);
}

/* ---- sockets ---- */

static bool is_client_hello(struct runs runs, size_t total)
{
	uint8_t head[TLS_HELLO_HEAD];

	return total >= TLS_HELLO_MIN &&
		entry_gather(head, runs, 0, sizeof(head)) == sizeof(head) && tls_is_hello(head);
}

/* Ciphertext of a connection whose hello was sent before this process could see it. */
static bool is_tls_record(struct runs runs, size_t total)
{
	uint8_t head[3];

	return total >= 5 && entry_gather(head, runs, 0, 3) == 3 && head[0] >= 20 &&
		head[0] <= 23 && head[1] == 3 && head[2] <= 4;
}

static void become(int fd, uint64_t word, enum fd_class class)
{
	fdtab_set(fd, fdtab_make(class, fdtab_cookie(word)));
}

/* The record type bytes just sent ask for, 0: none. Decides what the socket carries. */
static uint16_t classify_sent(int fd, uint64_t word, struct runs runs, size_t n)
{
	enum fd_class class = fdtab_class(word);

	if (class != FD_PLAIN && class != FD_OPEN && class != FD_CONNECTING)
		return 0;
	if (is_client_hello(runs, n)) {
		become(fd, word, FD_TLS);
		return WIRE_HELLO;
	}
	if (class != FD_PLAIN && is_tls_record(runs, n)) {
		become(fd, word, FD_TLS);
		return 0;
	}
	if (class != FD_PLAIN)
		become(fd, word, FD_PLAIN);
	return WIRE_SENT;
}

static bool is_final(int error)
{
	return error != EAGAIN && error != EINTR && error != EINPROGRESS && error != EFAULT &&
		error != EINVAL && error != EBADF && error != ENOTCONN && error != ENOBUFS &&
		error != ENOMEM && error != ENOTSOCK && error != EOPNOTSUPP && error != EALREADY;
}

/* The first final failure on a socket is how its inbound side ended. */
static void note_failure(int fd, int error)
{
	uint64_t word = fdtab_get(fd);

	if (!is_final(error) || (word & FD_ENDED) || !fdtab_is_tapped(fdtab_class(word)))
		return;
	if (fdtab_class(word) == FD_CONNECTING) {
		tap_connect_outcome(fd, error);
		return;
	}
	fdtab_set(fd, word | FD_ENDED);
	tap_note(WIRE_END, fdtab_cookie(word), -error, NULL, 0);
}

static size_t room_of(const struct iovec *iov, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

/* A question or its answer. One received into less room than it needs is cut: no message that
 * anybody could read. */
static void note_datagram(const struct iovec *iov, size_t count, ssize_t n, uint64_t time_ns)
{
	struct wire_dns head = {0};
	struct iovec run[IOV_RUNS] = {{&head, sizeof(head)}};
	struct entry e = {.type = WIRE_DNS, .time_ns = time_ns};

	if (n <= 0 || count >= IOV_RUNS || room_of(iov, count) < (size_t)n ||
		n > (ssize_t)(WIRE_PAYLOAD_MAX - sizeof(head)))
		return;
	memcpy(run + 1, iov, count * sizeof(*iov));
	entry_append(&e, (struct runs){run, count + 1}, sizeof(head) + (size_t)n);
}

void tap_sent(struct tap *tap, int fd, const struct iovec *iov, size_t count, ssize_t result)
{
	SAVE_ERRNO();
	uint64_t word = fdtab_get(fd);
	struct runs runs = {iov, count};
	struct entry e = {.cookie = fdtab_cookie(word), .time_ns = tap->time_ns};

	if (fdtab_class(word) == FD_DNS)
		note_datagram(iov, count, result, tap->time_ns);
	if (result > 0)
		e.type = classify_sent(fd, word, runs, (size_t)result);
	if (e.type)
		entry_append(&e, runs, (size_t)result);
	/* Writing to a peer that is gone says nothing of what it sent before: EPIPE is no end. */
	if (result < 0 && saved_errno != EPIPE)
		note_failure(fd, saved_errno);
	settle(tap);
	RESTORE_ERRNO();
}

static void note_end(int fd, uint64_t word)
{
	if (word & FD_ENDED)
		return;
	fdtab_set(fd, word | FD_ENDED);
	tap_note(WIRE_END, fdtab_cookie(word), 0, NULL, 0);
}

static void note_received(int fd, uint64_t word, struct runs runs, size_t n)
{
	struct entry e = {.type = WIRE_RECEIVED, .cookie = fdtab_cookie(word)};
	enum fd_class class = fdtab_class(word);

	if (class == FD_OPEN || class == FD_CONNECTING) {
		class = is_tls_record(runs, n) ? FD_TLS : FD_PLAIN;
		become(fd, word, class);
	}
	if (class != FD_PLAIN)
		return;
	e.time_ns = real_now_ns();
	entry_append(&e, runs, n);
}

void tap_dns(const struct wire_dns *dns, const char *name, const void *message, size_t n)
{
	struct wire_dns head = *dns;
	struct iovec run[] = {
		{&head, sizeof(head)}, {(void *)name, strlen(name)}, {(void *)message, n}};
	struct entry e = {.type = WIRE_DNS, .time_ns = real_now_ns()};

	head.name_len = (uint32_t)run[1].iov_len;
	if (start_vfork_child || !start_ready() || run[1].iov_len >= WIRE_RESOLVE_NAME ||
		n > WIRE_PAYLOAD_MAX - sizeof(head) - WIRE_RESOLVE_NAME)
		return;
	SAVE_ERRNO();
	entry_append(&e, (struct runs){run, 3}, sizeof(head) + run[1].iov_len + n);
	RESTORE_ERRNO();
}

/* A read into no room at all returns 0 and means nothing. */
static bool asked_for_nothing(const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			return false;
	}
	return true;
}

void tap_received(int fd, const struct iovec *iov, size_t count, ssize_t result)
{
	SAVE_ERRNO();
	uint64_t word = fdtab_get(fd);

	if (fdtab_is_tapped(fdtab_class(word))) {
		if (result > 0)
			note_received(fd, word, (struct runs){iov, count}, (size_t)result);
		else if (result == 0 && !asked_for_nothing(iov, count))
			note_end(fd, word);
		else if (result < 0)
			note_failure(fd, saved_errno);
	} else if (fdtab_class(word) == FD_DNS) {
		note_datagram(iov, count, result, real_now_ns());
	} else if (fdtab_class(word) == FD_RANDOM && result > 0 && count == 1) {
		origin_drew(iov->iov_base, (size_t)result);
	}
	RESTORE_ERRNO();
}

void tap_unseen(int fd, uint64_t n)
{
	uint64_t word = fdtab_learn(fd);

	if (fdtab_class(word) == FD_OPEN || fdtab_class(word) == FD_PLAIN)
		tap_note(WIRE_UNSEEN, fdtab_cookie(word), n > INT32_MAX ? INT32_MAX : (int32_t)n,
			NULL, 0);
}

void tap_sent_file(int fd, int from, off_t offset, size_t n)
{
	SAVE_ERRNO();
	uint64_t word = fdtab_get(fd);
	struct entry e = {
		.type = WIRE_SENT, .cookie = fdtab_cookie(word), .time_ns = real_now_ns()};

	if (fdtab_class(word) == FD_OPEN || fdtab_class(word) == FD_CONNECTING)
		become(fd, word, FD_PLAIN);
	if (fdtab_class(fdtab_get(fd)) == FD_PLAIN)
		entry_append_file(&e, from, offset, n);
	RESTORE_ERRNO();
}

/* ---- TLS ---- */

void tap_tls_sent(struct tap *tap, const uint8_t *random, const void *buf, size_t n)
{
	struct iovec run = {(void *)buf, n};
	struct entry e = {.type = WIRE_TLS_SENT, .time_ns = tap->time_ns, .random = random};

	SAVE_ERRNO();
	if (n > 0)
		entry_append(&e, (struct runs){&run, 1}, n);
	settle(tap);
	RESTORE_ERRNO();
}

void tap_tls_sent_file(struct tap *tap, const uint8_t *random, int from, off_t offset, size_t n)
{
	struct entry e = {.type = WIRE_TLS_SENT, .time_ns = tap->time_ns, .random = random};

	SAVE_ERRNO();
	entry_append_file(&e, from, offset, n);
	settle(tap);
	RESTORE_ERRNO();
}

void tap_tls_received(const uint8_t *random, const void *buf, size_t n)
{
	struct iovec run = {(void *)buf, n};
	struct entry e = {.type = WIRE_TLS_RECEIVED, .random = random};

	SAVE_ERRNO();
	e.time_ns = real_now_ns();
	entry_append(&e, (struct runs){&run, 1}, n);
	RESTORE_ERRNO();
}

void tap_tls_end(const uint8_t *random)
{
	tap_note(WIRE_TLS_END, 0, 0, random, WIRE_RANDOM_BYTES);
}

/* ---- connections ---- */

bool tap_address(struct wire_address *to, const struct sockaddr *addr, socklen_t len)
{
	memset(to, 0, sizeof(*to));
	if (!addr || len < (socklen_t)sizeof(struct sockaddr_in) ||
		(addr->sa_family != AF_INET && addr->sa_family != AF_INET6))
		return false;
	if (addr->sa_family == AF_INET6 && len < (socklen_t)sizeof(struct sockaddr_in6))
		return false;
	to->len = addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
	memcpy(to->bytes, addr, to->len);
	return true;
}

void tap_connected(struct tap *tap, int fd, const struct sockaddr *addr, socklen_t len, int result)
{
	SAVE_ERRNO();
	uint64_t word = fdtab_get(fd);
	struct wire_connect c = {.fd = fd};
	struct iovec run = {&c, sizeof(c)};
	struct entry e = {.type = WIRE_CONNECT,
		.result = result < 0 ? -saved_errno : 0,
		.cookie = fdtab_cookie(word),
		.time_ns = tap->time_ns};

	if ((result == 0 || saved_errno != EFAULT) && tap_address(&c.address, addr, len)) {
		entry_append(&e, (struct runs){&run, 1}, sizeof(c));
		if (result == 0)
			become(fd, word, FD_OPEN);
		else if (saved_errno == EINPROGRESS || saved_errno == EINTR)
			become(fd, word, FD_CONNECTING);
	}
	settle(tap);
	RESTORE_ERRNO();
}

void tap_connect_outcome(int fd, int error)
{
	uint64_t word = fdtab_get(fd);

	if (fdtab_class(word) != FD_CONNECTING || error == EALREADY || error == EINPROGRESS)
		return;
	if (error == EISCONN)
		error = 0;
	become(fd, word, error ? FD_NEW : FD_OPEN);
	tap_note(WIRE_CONNECTED, fdtab_cookie(word), -error, NULL, 0);
}

/* stdio on a socket passes every hook by (libc calls itself); the kernel has counted its bytes. */
static void note_unaccounted(int fd, uint64_t word)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	uint64_t n;

	memset(&info, 0, sizeof(info));
	if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	/* The SYN counts as one. */
	n = info.tcpi_bytes_received + (info.tcpi_bytes_acked > 1 ? info.tcpi_bytes_acked - 1 : 0);
	if (n > 0)
		tap_note(WIRE_UNACCOUNTED, fdtab_cookie(word),
			n > INT32_MAX ? INT32_MAX : (int32_t)n, NULL, 0);
}

/* Programs that watch for EPOLLERR never ask for SO_ERROR; before a close it can be asked for. */
void tap_closing(int fd)
{
	uint64_t word = fdtab_get(fd);
	int error = 0;
	socklen_t len = sizeof(error);

	if (fdtab_class(word) <= FD_SKIP || start_vfork_child || !start_is_live())
		return;
	SAVE_ERRNO();
	if (fdtab_class(word) == FD_CONNECTING &&
		sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error)
		tap_connect_outcome(fd, error);
	if (fdtab_class(word) == FD_OPEN)
		note_unaccounted(fd, word);
	/* A socket taken over goes by the cookie it was connected with. */
	if (fdtab_is_tapped(fdtab_class(word)) ||
		(fdtab_class(word) == FD_HELPER && !start_is_replay()))
		tap_note(WIRE_CLOSE, fdtab_cookie(word), 0, NULL, 0);
	RESTORE_ERRNO();
}

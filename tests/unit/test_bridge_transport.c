/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include "bridge_world.h"

/* How bytes and ends get through, whatever they are of: each case plain and under TLS. */

#define MIB (1u << 20)

static struct world w;
static struct host h;

static void begin(void)
{
	world_begin(&w);
	memset(&h, 0, sizeof(h));
}

static void finish(void)
{
	host_stop(&h);
	world_end(&w);
}

static void start(bool tls, void (*serve)(struct end *))
{
	h.tls = tls;
	h.serve = serve;
	host_start(&w, &h);
}

static void connect_program(struct program *p, bool tls)
{
	program_connect(&w, p, &h);
	if (tls)
		cr_assert(program_start_tls(p, w.ca, NULL, 0));
}

/* ---- half-closes ---- */

/* Counts until the program has ended, then answers. */
static void count_then_answer(struct end *e)
{
	char text[32];
	snprintf(text, sizeof(text), "%zd", end_drain(e));
	end_say(e, text);
	if (e->ssl)
		SSL_shutdown(e->ssl);
}

static void check_program_ends_first(bool tls)
{
	struct program p;
	start(tls, count_then_answer);
	connect_program(&p, tls);
	cr_assert(end_say(&p.end, "twelve bytes"));
	if (tls)
		SSL_shutdown(p.end.ssl);
	else
		shutdown(p.end.fd, SHUT_WR);
	cr_assert(end_hears(&p.end, "12"));
	cr_assert(end_hears_nothing_more(&p.end));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].ends[EVENT_OUT].kind, EVENT_END_SHUTDOWN);
	cr_assert_eq(
		w.seen[p.id].ends[EVENT_IN].kind, tls ? EVENT_END_CLOSE_NOTIFY : EVENT_END_FIN);
}

Test(bridge_transport, a_program_may_end_first, .init = begin, .fini = finish)
{
	check_program_ends_first(false);
}

Test(bridge_transport, a_program_may_end_first_under_tls, .init = begin, .fini = finish)
{
	check_program_ends_first(true);
}

static int bytes_after_end = -1;

static void end_then_listen(struct end *e)
{
	char bytes[64];
	end_hears(e, "?");
	end_say(e, "last words");
	if (e->ssl)
		SSL_shutdown(e->ssl);
	shutdown(e->fd, SHUT_WR);
	ssize_t n = end_read(e, bytes, sizeof(bytes));
	__atomic_store_n(&bytes_after_end, (int)n, __ATOMIC_RELEASE);
	end_drain(e);
}

static void check_host_ends_first(bool tls)
{
	struct program p;
	start(tls, end_then_listen);
	connect_program(&p, tls);
	cr_assert(end_say(&p.end, "?"));
	cr_assert(end_hears(&p.end, "last words"));
	cr_assert(end_hears_nothing_more(&p.end));
	cr_assert(end_say(&p.end, "still here"));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	usleep(50000);
	cr_assert_eq(__atomic_load_n(&bytes_after_end, __ATOMIC_ACQUIRE), 10);
	cr_assert_eq(w.seen[p.id].count[EVENT_OUT], 11);
}

Test(bridge_transport, a_host_may_end_first, .init = begin, .fini = finish)
{
	check_host_ends_first(false);
}

Test(bridge_transport, a_host_may_end_first_under_tls, .init = begin, .fini = finish)
{
	check_host_ends_first(true);
}

static void fin_without_notify(struct end *e)
{
	end_hears(e, "?");
	end_say(e, "cut");
	shutdown(e->fd, SHUT_WR);
	end_drain(e);
}

Test(bridge_transport, fin_without_close_notify_is_passed_on_as_such, .init = begin, .fini = finish)
{
	struct program p;
	start(true, fin_without_notify);
	connect_program(&p, true);
	cr_assert(end_say(&p.end, "?"));
	cr_assert(end_hears(&p.end, "cut"));
	SSL_clear_options(p.end.ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	char byte;
	cr_assert_eq(SSL_read(p.end.ssl, &byte, 1), 0);
	cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_UNEXPECTED_EOF_WHILE_READING);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].ends[EVENT_IN].kind, EVENT_END_FIN);
}

/* ---- resets ---- */

static void reset_after_answer(struct end *e)
{
	end_hears(e, "?");
	end_say(e, "and gone");
	usleep(20000);
	end_reset(e);
}

static void check_host_resets(bool tls)
{
	struct program p;
	char byte;
	start(tls, reset_after_answer);
	connect_program(&p, tls);
	cr_assert(end_say(&p.end, "?"));
	cr_assert(end_hears(&p.end, "and gone"));
	cr_assert_eq(recv(p.end.fd, &byte, 1, 0), -1);
	cr_assert_eq(errno, ECONNRESET);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].ends[EVENT_IN].kind, EVENT_END_ERROR);
	cr_assert_eq(w.seen[p.id].ends[EVENT_IN].error, ECONNRESET);
}

Test(bridge_transport, a_hosts_reset, .init = begin, .fini = finish)
{
	check_host_resets(false);
}

Test(bridge_transport, a_hosts_reset_under_tls, .init = begin, .fini = finish)
{
	check_host_resets(true);
}

static int host_errno = -1;

static void wait_for_reset(struct end *e)
{
	char byte;
	end_hears(e, "?");
	ssize_t n = recv(e->fd, &byte, 1, 0);
	__atomic_store_n(&host_errno, n < 0 ? errno : 0, __ATOMIC_RELEASE);
}

static void check_program_resets(bool tls)
{
	struct program p;
	start(tls, wait_for_reset);
	connect_program(&p, tls);
	cr_assert(end_say(&p.end, "?"));
	usleep(50000);
	end_reset(&p.end);
	cr_assert(wait_until(&w, is_closed, p.id));
	for (int i = 0; i < 1000 && __atomic_load_n(&host_errno, __ATOMIC_ACQUIRE) < 0; i++)
		usleep(1000);
	cr_assert_eq(__atomic_load_n(&host_errno, __ATOMIC_ACQUIRE), ECONNRESET);
	cr_assert_eq(w.seen[p.id].ends[EVENT_OUT].kind, EVENT_END_ERROR);
	program_close(&p);
}

Test(bridge_transport, a_programs_reset, .init = begin, .fini = finish)
{
	check_program_resets(false);
}

Test(bridge_transport, a_programs_reset_under_tls, .init = begin, .fini = finish)
{
	check_program_resets(true);
}

static void send_much_and_reset(struct end *e)
{
	static char block[MIB];
	end_hears(e, "?");
	for (int i = 0; i < 2; i++)
		if (!end_write(e, block, sizeof(block)))
			return;
	usleep(300000);
	end_reset(e);
}

/* Natively, what had arrived before the reset could still be read. */
Test(bridge_transport, a_reset_does_not_take_back_what_came_before, .init = begin, .fini = finish)
{
	struct program p;
	static char block[MIB];
	size_t sum = 0;
	ssize_t n;
	start(false, send_much_and_reset);
	connect_program(&p, false);
	cr_assert(end_say(&p.end, "?"));
	usleep(600000);
	while ((n = recv(p.end.fd, block, sizeof(block), 0)) > 0)
		sum += (size_t)n;
	cr_assert_eq(n, -1);
	cr_assert_eq(errno, ECONNRESET);
	cr_assert_eq(sum, 2 * MIB, "%zu", sum);
	program_close(&p);
}

static void answer_early_and_close(struct end *e)
{
	end_hears(e, "?");
	end_say(e, "413 too large");
	/* Closing with bytes unread is a reset. */
}

Test(bridge_transport, an_answer_before_a_refused_upload_arrives, .init = begin, .fini = finish)
{
	struct program p;
	static char block[MIB];
	start(false, answer_early_and_close);
	connect_program(&p, false);
	cr_assert(end_say(&p.end, "?"));
	while (send(p.end.fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
	cr_assert(end_hears(&p.end, "413 too large"));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
}

/* ---- pressure ---- */

static uint64_t host_sent;

static void send_without_end(struct end *e)
{
	static char block[MIB];
	end_hears(e, "?");
	limit_waiting(e->fd);
	while (end_write(e, block, sizeof(block)))
		__atomic_add_fetch(&host_sent, sizeof(block), __ATOMIC_RELAXED);
}

static void send_64_mib(struct end *e)
{
	static char block[MIB];
	end_hears(e, "?");
	for (int i = 0; i < 64; i++) {
		if (!end_write(e, block, sizeof(block)))
			return;
		__atomic_add_fetch(&host_sent, sizeof(block), __ATOMIC_RELAXED);
	}
	if (e->ssl)
		SSL_shutdown(e->ssl);
}

static void check_slow_program(bool tls)
{
	struct program p;
	start(tls, send_64_mib);
	connect_program(&p, tls);
	cr_assert(end_say(&p.end, "?"));
	usleep(500000);
	uint64_t sent = __atomic_load_n(&host_sent, __ATOMIC_RELAXED);
	/* What four kernel buffers hold, and nothing of ours. */
	cr_assert_lt(sent, 40 * MIB, "%zu", (size_t)sent);
	size_t heap = mallinfo2().uordblks;
	cr_assert_lt(heap, 16 * MIB, "%zu", heap);
	cr_assert_eq(end_drain(&p.end), 64 * MIB);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].count[EVENT_IN], 64 * MIB);
}

Test(bridge_transport, a_slow_program_slows_its_host, .init = begin, .fini = finish)
{
	check_slow_program(false);
}

Test(bridge_transport, a_slow_program_slows_its_host_under_tls, .init = begin, .fini = finish)
{
	check_slow_program(true);
}

static uint64_t host_got;

static void read_late(struct end *e)
{
	usleep(500000);
	__atomic_store_n(&host_got, (uint64_t)end_drain(e), __ATOMIC_RELEASE);
}

static void check_slow_host(bool tls)
{
	static char block[MIB];
	struct program p;
	start(tls, read_late);
	connect_program(&p, tls);
	for (int i = 0; i < 32; i++)
		cr_assert(end_write(&p.end, block, sizeof(block)));
	if (tls)
		SSL_shutdown(p.end.ssl);
	shutdown(p.end.fd, SHUT_WR);
	cr_assert(end_hears_nothing_more(&p.end));
	cr_assert_eq(__atomic_load_n(&host_got, __ATOMIC_ACQUIRE), 32 * MIB);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].count[EVENT_OUT], 32 * MIB);
}

Test(bridge_transport, a_slow_host_slows_its_program, .init = begin, .fini = finish)
{
	check_slow_host(false);
}

Test(bridge_transport, a_slow_host_slows_its_program_under_tls, .init = begin, .fini = finish)
{
	check_slow_host(true);
}

/* A program that never reads costs the others nothing. */
Test(bridge_transport, a_stuck_connection_stops_no_other, .init = begin, .fini = finish)
{
	struct program stuck, p;
	start(true, send_without_end);
	connect_program(&stuck, true);
	cr_assert(end_say(&stuck.end, "?"));
	usleep(100000);
	connect_program(&p, true);
	cr_assert(end_say(&p.end, "?"));
	char bytes[1000];
	for (int i = 0; i < 1000; i++)
		cr_assert_gt(end_read(&p.end, bytes, sizeof(bytes)), 0);
	program_close(&stuck);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, stuck.id));
	cr_assert(wait_until(&w, is_closed, p.id));
}

/* ---- many ---- */

#define PARALLEL 64

static void echo_1_mib(struct end *e)
{
	char bytes[1 << 15];
	ssize_t n;
	size_t sum = 0;
	while (sum < MIB && (n = end_read(e, bytes, sizeof(bytes))) > 0) {
		if (!end_write(e, bytes, (size_t)n))
			return;
		sum += (size_t)n;
	}
	if (e->ssl)
		SSL_shutdown(e->ssl);
	end_drain(e);
}

struct job {
	struct program program;
	pthread_t writer, reader;
	unsigned char salt;
	bool tls, whole;
};

static unsigned char byte_at(const struct job *j, size_t at)
{
	return (unsigned char)((at * 31 + at / 251) ^ j->salt);
}

/* Both directions at once would take two threads per TLS object; so by turns, in uneven pieces. */
static void *talk(void *context)
{
	struct job *j = context;
	unsigned char out[7001], in[7001];
	size_t at = 0;
	if (j->tls && !program_start_tls(&j->program, w.ca, NULL, 0))
		return NULL;
	while (at < MIB) {
		size_t n = 1 + (at * 7 + j->salt) % sizeof(out), got = 0;
		n = n > MIB - at ? MIB - at : n;
		for (size_t i = 0; i < n; i++)
			out[i] = byte_at(j, at + i);
		if (!end_write(&j->program.end, out, n))
			return NULL;
		while (got < n) {
			ssize_t r = end_read(&j->program.end, in + got, n - got);
			if (r <= 0)
				return NULL;
			got += (size_t)r;
		}
		if (memcmp(in, out, n) != 0)
			return NULL;
		at += n;
	}
	j->whole = !j->tls || end_hears_nothing_more(&j->program.end);
	return NULL;
}

static void check_many(bool tls)
{
	static struct job jobs[PARALLEL];
	start(tls, echo_1_mib);
	for (int i = 0; i < PARALLEL; i++) {
		jobs[i] = (struct job){.salt = (unsigned char)(i * 37), .tls = tls};
		program_connect(&w, &jobs[i].program, &h);
		cr_assert_eq(pthread_create(&jobs[i].writer, NULL, talk, &jobs[i]), 0);
	}
	for (int i = 0; i < PARALLEL; i++) {
		pthread_join(jobs[i].writer, NULL);
		cr_assert(jobs[i].whole, "connection %d", i);
		program_close(&jobs[i].program);
		cr_assert(wait_until(&w, is_closed, jobs[i].program.id));
		const struct seen *s = &w.seen[jobs[i].program.id];
		cr_assert_eq(s->count[EVENT_OUT], MIB);
		cr_assert_eq(s->count[EVENT_IN], MIB);
		for (size_t at = 0; at < MIB; at++)
			if (s->bytes[EVENT_OUT].data[at] != byte_at(&jobs[i], at) ||
				s->bytes[EVENT_IN].data[at] != byte_at(&jobs[i], at))
				cr_assert_fail("connection %d is not told as it was at %zu", i, at);
	}
	cr_assert_eq(open_count(&w), 0);
}

Test(bridge_transport, many_at_once, .init = begin, .fini = finish)
{
	check_many(false);
}

Test(bridge_transport, many_at_once_under_tls, .init = begin, .fini = finish)
{
	check_many(true);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "replay/loopback_listener.h"
#include "replay/peer_internal.h"

/* What one address family has: a port that answers and one that refuses. */
struct listener {
	struct loopback_listener *answering;
	uint16_t refused_port;
	int refused_fd; /* bound, never listening: connecting to it is refused as by a dead server
			 */
};

static void accept_connection(void *context, int fd, int family, uint16_t source_port)
{
	struct peer *p = context;
	struct announcement who;
	if (announcements_take(p->announcements, family, source_port, monotonic_ns(), &who) < 0) {
		p->stats.unannounced++;
		socket_reset(fd);
		return;
	}
	(void)connection_open(p, fd, &who);
}

static void listener_free(struct listener *l)
{
	if (!l)
		return;
	loopback_listener_free(l->answering);
	if (l->refused_fd >= 0)
		close(l->refused_fd);
	free(l);
}

static int listener_new(struct peer *peer, int family, struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->refused_fd = loopback_bind(family, SOCK_STREAM, &l->refused_port);
	int r = l->refused_fd;
	if (r >= 0)
		r = loopback_listener_new(
			peer->options.base, family, accept_connection, peer, &l->answering);
	if (r < 0) {
		listener_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

int peer_new(const struct peer_options *options, struct peer **ret)
{
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->options = *options;
	if (!(p->options.timing.factor > 0))
		p->options.timing.factor = 1;
	TAILQ_INIT(&p->connections);
	p->announcements = announcements_new();
	p->tls = tls_server_new(options->ca);
	p->http2_hosts = http2_hosts_new(options->tape);
	p->dialogues = dialogues_new(options->tape);
	bool ready = p->announcements && p->tls && p->http2_hosts && p->dialogues;
	int r = ready ? listener_new(p, AF_INET, &p->v4) : -ENOMEM;
	if (r < 0) {
		peer_free(p);
		return r;
	}
	(void)listener_new(p, AF_INET6, &p->v6);
	*ret = p;
	return 0;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	listener_free(p->v4);
	listener_free(p->v6);
	while (!TAILQ_EMPTY(&p->connections))
		connection_free(TAILQ_FIRST(&p->connections));
	tls_server_free(p->tls);
	http2_hosts_free(p->http2_hosts);
	dialogues_free(p->dialogues);
	announcements_free(p->announcements);
	free(p);
}

void peer_ports(const struct peer *p, struct peer_ports *ret)
{
	*ret = (struct peer_ports){
		.v4 = loopback_listener_port(p->v4->answering), .refused_v4 = p->v4->refused_port};
	if (p->v6) {
		ret->v6 = loopback_listener_port(p->v6->answering);
		ret->refused_v6 = p->v6->refused_port;
	}
}

int peer_announce(struct peer *p, int family, uint16_t source_port, const char *address,
	const char *name, uint32_t pid)
{
	if (!address || !source_port || (family != AF_INET && family != AF_INET6))
		return -EINVAL;
	return announcements_add(
		p->announcements, family, source_port, address, name, pid, monotonic_ns());
}

int peer_adopt(struct peer *p, int fd, const char *address, const char *name, uint32_t pid)
{
	struct announcement who = {
		.address = strdup(address ? address : ""),
		.name = name ? strdup(name) : NULL,
		.pid = pid,
	};
	int flags = fcntl(fd, F_GETFL);
	int r = who.address && (!name || who.name) ? 0 : -ENOMEM;
	if (r == 0 &&
		(flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
			fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
		r = -errno;
	if (r < 0) {
		free(who.address);
		free(who.name);
		close(fd);
		return r;
	}
	return connection_open(p, fd, &who);
}

void peer_stats(const struct peer *p, struct peer_stats *ret)
{
	struct dialogues_totals t;
	dialogues_totals(p->dialogues, &t);
	*ret = p->stats;
	ret->dialogues_recorded = t.recorded;
	ret->dialogues = t.served;
	ret->dialogues_missed = t.missed;
}

int peer_unused_dialogues(const struct peer *p, const struct dialogue ***ret, size_t *ret_count)
{
	return dialogues_unused(p->dialogues, ret, ret_count);
}

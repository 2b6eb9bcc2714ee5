/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_REDIRECT_H
#define SHIM_REDIRECT_H

#include "shim/image.h"
#include "shim/shim.h"

/*
 * Replay: connects go to the helper, nothing goes to the network.
 *
 * The program keeps its own socket; only the address it is connected to is another, so poll, epoll,
 * EINPROGRESS and every option stay native. The helper knows the connection by its
 * source port, told to it before the connect.
 */
int redirect_connect(int fd, const struct sockaddr *addr, socklen_t len);

/*
 * A socket that came from outside the session (inherited, passed), connected to somewhere else: in
 * replay the null device takes its place. True: it was one.
 */
bool redirect_cut(int fd);
/* The same for all descriptors a program starts with. */
void redirect_cut_inherited(void);

/* The port a connection from this socket will come from, bound to loopback if nothing has bound it;
 * or −errno. */
int redirect_source_port(int fd);
/* Connects it to the helper's port of its family: 0 or −errno. For sockets of our own making. */
long redirect_to_helper(int fd, const struct wire_reply *reply);
/* The helper's port as an address of the socket's family. */
void redirect_helper_address(int fd, const struct wire_reply *reply, struct wire_address *ret);

/* The address the program believes to be connected to. 0, or −1 with errno. */
int redirect_peer(int fd, struct sockaddr *addr, socklen_t *len);

/* For a socket pair in a socket's place: the name and options a TCP socket would have. */
void redirect_own_name(struct sockaddr *addr, socklen_t *len);
bool redirect_option(int level, int option, void *value, socklen_t *len);

/* Says, to the helper and on stderr, that a program was not started and why. */
void redirect_refused(const char *path, enum image_kind kind);

/* Tells the helper of a server of the session, so that connects to it stay live. */
void redirect_listening(int fd);

/* Copies from memory that may not be there. */
bool redirect_read(void *to, const void *from, size_t n);

/* What a UDP socket would send to this address goes to: a port, −1: no internet address, or no UDP
 * socket. */
int redirect_datagram_port(int fd, const struct sockaddr *addr, socklen_t len);
#define REDIRECT_DNS_PORT 53
/* HTTP/3: no tap shows what is in it. Refused with ENETUNREACH, as where UDP is blocked: clients
 * then turn to TCP at once, without waiting for an answer. */
#define REDIRECT_QUIC_PORT 443

/* What is sent to this address stays on this machine and is no DNS question. */
bool redirect_allows(int fd, const struct sockaddr *addr, socklen_t len);
/* A socket of this kind sends nothing that a hook does not judge. */
bool redirect_allows_socket(int domain, int type);

#endif

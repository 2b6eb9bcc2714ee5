/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_PROCESSES_PRIVATE_H
#define HELPER_PROCESSES_PRIVATE_H

#include "tools/helper/expected.h"
#include "tools/helper/processes.h"

#pragma GCC diagnostic ignored "-Wshadow" /* uthash's macros */
#include <uthash.h>

#define ARGV_MAX 8192

/*
 * Pids of other namespaces are other processes: they get a name of their own here, out of the range
 * of real ones, so that nothing that is said of the one is taken for the other.
 */
#define FOREIGN 0x80000000u

/* An image in a slot. */
struct image {
	bool live, watched;
	bool dead;   /* its slot and rings go back once what was in them is safe */
	bool local;  /* its pid is one of our namespace */
	bool missed; /* gone before it was noticed */
	uint32_t pid, slot;
	int pidfd;
	struct event *gone;
	struct processes *owner;
};

/* A pid, and when its latest image joined. */
struct joined {
	uint32_t pid;
	uint64_t start_ns;
	bool listened; /* by a seccomp listener, not in a slot */
	UT_hash_handle hh;
};

struct processes {
	const struct session *session;
	struct rings *rings;
	struct event_base *base;
	struct redactor *redactor;
	struct processes_sink sink;
	uint64_t own_namespace;
	struct image images[WIRE_SLOTS];
	struct expected_list expected;
	size_t alive, joined, dead;
	struct joined *pids; /* every pid that ever joined */
	json_t *list;
	struct buffer text;
};

/* NULL: that pid never joined. */
struct joined *processes_find_joined(const struct processes *p, uint32_t pid);
void processes_remember(struct processes *p, uint32_t pid, uint64_t start_ns, bool listened);
/* An exec keeps the pid: the image before it has made its last record. */
void processes_supersede(struct processes *p, uint32_t pid, uint64_t start_ns);
/* What a pid of that namespace is called here. */
uint32_t processes_name(const struct processes *p, uint32_t pid, uint64_t namespace);

/* processes_report.c: tells the sink of an image and lists it; the event's argv is NUL-separated,
 * as found. */
void processes_report_image(struct processes *p, struct trace_event e);
void processes_report(struct processes *p, uint32_t type, uint32_t pid, uint32_t parent,
	uint32_t capture, struct span exe, struct span argv, uint64_t time_ns);

#endif

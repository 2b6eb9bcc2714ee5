/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_SHOW_H
#define TOOLS_RRSHIM_SHOW_H

#include <jansson.h>
#include "replay/match.h"
#include "replay/tape.h"

/* What `rrshim show` knows about one recording. */
struct show {
	struct recording *recording;
	struct tape *tape;
	json_t *manifest; /* NULL where it cannot be read */
	struct match_totals totals;
	json_t *processes; /* {"images": N, "untraced": [{pid, exe, reason}], "gaps": […]} */
};

/* Reads the processes and the gaps out of the events. 0 or -errno. */
int show_load_processes(struct show *s);

/* The lines above the table. */
void show_print_head(const struct show *s);

/* One line of the table. */
enum show_kind { SHOW_EXCHANGE, SHOW_CONNECT, SHOW_NAME, SHOW_CHECKPOINT };

struct show_row {
	enum show_kind kind;
	uint64_t time_ns;
	uint64_t number; /* of the exchange; 0 for the others */
	char *method;    /* "GET"; "TCP", "DNS" for the others, "--" for a checkpoint */
	char *url;       /* or the address, or the name, or the label */
	int status;      /* 0: none */
	uint64_t bytes;  /* of the response's body, as received */
	uint64_t request_bytes;
	uint64_t ttfb_ns, duration_ns; /* UINT64_MAX: never */
	uint64_t channel;
	uint32_t pid;
	uint64_t sse_events;
	json_t *notes; /* array of strings */
};

struct show_rows {
	struct show_row *rows; /* by time */
	size_t count;
};

/* Exchanges, connections that failed or carried something else, names that did not resolve. */
int show_rows_make(const struct show *s, struct show_rows *ret);
void show_rows_free(struct show_rows *rows);

void show_print_rows(const struct show_rows *rows);
/* The rows of one kind. A new reference. */
json_t *show_rows_json(const struct show_rows *rows, enum show_kind kind);

#endif

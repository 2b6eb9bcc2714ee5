/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "tools/mock/mock.h"

enum {
	OPT_LISTEN = 256,
	OPT_TLS,
	OPT_TLS_PORT,
	OPT_CA_FILE,
	OPT_CHUNKS,
	OPT_DELAY,
	OPT_PID,
	OPT_PORT_FILE
};

static const struct option options[] = {
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"port", required_argument, NULL, 'p'},
	{"tls", no_argument, NULL, OPT_TLS},
	{"tls-port", required_argument, NULL, OPT_TLS_PORT},
	{"ca-file", required_argument, NULL, OPT_CA_FILE},
	{"chunks", required_argument, NULL, OPT_CHUNKS},
	{"delay", required_argument, NULL, OPT_DELAY},
	{"pid-file", required_argument, NULL, OPT_PID},
	{"port-file", required_argument, NULL, OPT_PORT_FILE},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *ret <= max;
}

static bool parse_port(const char *text, int *ret)
{
	unsigned long port;

	if (!parse_number(text, 65535, &port))
		return false;
	*ret = (int)port;
	return true;
}

/* "ADDR", "ADDR:PORT", "[V6]", "[V6]:PORT" or a bare "V6"; cuts `text`. */
static bool parse_listen(char *text, struct mock_options *o)
{
	char *colon = strrchr(text, ':');
	char *end;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end)
			return false;
		o->address = text + 1;
		*end = '\0';
		return end[1] == '\0' || (end[1] == ':' && parse_port(end + 2, &o->port));
	}
	o->address = text;
	if (!colon || strchr(text, ':') != colon)
		return true;
	*colon = '\0';
	return parse_port(colon + 1, &o->port);
}

/* One option: 0, or the exit status after saying what is wrong. */
static int take_option(int c, char *const *argv, struct mock_options *o, bool *tls)
{
	unsigned long n;

	switch (c) {
	case OPT_LISTEN:
		return parse_listen(optarg, o) ? 0
					       : verb_misused("mock", "--listen wants ADDR[:PORT]");
	case 'p':
		return parse_port(optarg, &o->port)
			? 0
			: verb_misused("mock", "'%s' is not a port", optarg);
	case OPT_TLS_PORT:
		return parse_port(optarg, &o->tls_port)
			? 0
			: verb_misused("mock", "'%s' is not a port", optarg);
	case OPT_TLS:
		*tls = true;
		return 0;
	case OPT_CHUNKS:
		if (!parse_number(optarg, MOCK_CHUNKS_MAX, &n) || n == 0)
			return verb_misused("mock", "--chunks wants 1 to %u", MOCK_CHUNKS_MAX);
		o->chunks = (unsigned)n;
		return 0;
	case OPT_DELAY:
		if (!parse_number(optarg, MOCK_DELAY_MAX, &n))
			return verb_misused("mock", "--delay wants 0 to %u ms", MOCK_DELAY_MAX);
		o->delay_ms = (unsigned)n;
		return 0;
	case OPT_CA_FILE:
		o->ca_file = optarg;
		return 0;
	case OPT_PID:
		o->pid_file = optarg;
		return 0;
	case OPT_PORT_FILE:
		o->port_file = optarg;
		return 0;
	default:
		return verb_bad_option("mock", argv);
	}
}

int verb_mock(int argc, char **argv)
{
	struct mock_options o = {.address = "127.0.0.1", .port = -1, .tls_port = -1, .chunks = 8};
	bool tls = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "p:h", options, NULL)) != -1) {
		if (c == 'h')
			return verb_help("mock");
		r = take_option(c, argv, &o, &tls);
		if (r)
			return r;
	}
	if (optind < argc)
		return verb_misused("mock", "'%s' is one argument too many", argv[optind]);
	if (o.port < 0 && o.tls_port < 0)
		o.port = 8080;
	if (tls && o.tls_port < 0) {
		o.tls_port = o.port;
		o.port = -1;
	}
	return mock_serve(&o);
}

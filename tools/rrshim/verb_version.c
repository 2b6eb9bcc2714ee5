/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <event2/event.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include "storage/recording.h"
#include "tools/rrshim/output.h"

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_json(void)
{
	output_json(json_pack("{s:s, s:i, s:{s:s, s:s, s:s}}", "version", RRSHIM_VERSION,
		"recording_format", RECORDING_VERSION, "libraries", "openssl",
		OpenSSL_version(OPENSSL_VERSION_STRING), "libevent", event_get_version(), "jansson",
		jansson_version_str()));
}

int verb_version(int argc, char **argv)
{
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			return verb_help("version");
		if (c != OPT_JSON)
			return verb_bad_option("version", argv);
		json = true;
	}
	if (optind < argc)
		return verb_misused("version", "'%s' is one argument too many", argv[optind]);
	if (json)
		print_json();
	else
		printf("rrshim %s\n", RRSHIM_VERSION);
	return 0;
}
